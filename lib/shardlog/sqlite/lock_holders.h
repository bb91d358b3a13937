#pragma once

#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"

namespace shardlog::sqlite {

/// What to throw after waiting `timeout` for the stream in `directory`: busy, naming whoever holds the writer lock or a
/// lock of SQLite's that shuts others out. Processes that are stopped come first: "process 123 (stream-get, stopped)".
Error held_too_long(const std::string& directory, Duration timeout);

/// The other processes that keep the write-ahead log from being emptied, in the same form: readers with a snapshot.
/// Empty if there are none.
std::string holders_of_log(const std::string& directory);

}  // namespace shardlog::sqlite
