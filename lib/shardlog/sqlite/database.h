#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <string>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

enum class OpenMode { create, read_write, read_only };

/// Opens stream.db with every setting that the promises of a stream rest on. The connection waits for no lock: see
/// LockWait. Throws SQLite::Exception, and permission where it may only be read but SQLite has to make its shared
/// memory first.
SQLite::Database open_database(const Paths& paths, OpenMode mode);

/// What an SQLite failure means to the caller; `what` comes first in the message.
Error translate(const SQLite::Exception& error, const std::string& what);

/// Runs `work` and puts the stream's name in front of what goes wrong in it.
template <typename Work>
auto named(const std::string& stream, const Work& work) {
  const std::string name = "stream " + quote(stream);
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    throw translate(error, name);
  } catch (const Error& error) {
    throw Error(error.code(), name + ": " + error.what());
  }
}

}  // namespace shardlog::sqlite
