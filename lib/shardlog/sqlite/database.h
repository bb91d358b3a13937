#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <string>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

enum class OpenMode { create, read_write, read_only };

/// Opens stream.db with every setting that the promises of a stream rest on. The connection does not wait for locks:
/// see LockWait. Throws SQLite::Exception, and permission if the stream may only be read but SQLite would have to make
/// its shared memory first.
SQLite::Database open_database(const Paths& paths, OpenMode mode);

/// What a failure of SQLite means to the caller. The message begins with `what`.
Error translate(const SQLite::Exception& error, const std::string& what);

/// Runs `work`, and puts the stream's name in front of its errors.
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
