#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shardlog/stream.h"

/// The embedded engine: a stream is a directory with one SQLite database in it. No other code sees SQL or files.
namespace shardlog::sqlite {

/// As shardlog::create(), for a path.
void create(const std::string& path, const CreateOptions& options, const Clock& clock);

/// As shardlog::open(), for a path.
std::unique_ptr<Stream> open(const std::string& path, const OpenOptions& options, const Clock& clock);

/// As shardlog::list_streams().
std::vector<std::string> list_streams(const std::string& directory);

}  // namespace shardlog::sqlite
