#pragma once

#include <array>
#include <string>

namespace shardlog::sqlite {

/// What the name of a stream begins with while it is being made or removed.
constexpr const char* scaffold_prefix = ".stream-";

/// All that the directory of a stream holds.
constexpr std::array<const char*, 5> stream_files{"lock", "stream.db", "stream.db-journal", "stream.db-wal",
                                                  "stream.db-shm"};

/// The files of a stream's directory. SQLite's own (stream.db and what it puts beside it) are opened through SQLite
/// only: another open and close in the same process would drop SQLite's locks on them. stat(2) is harmless.
struct Paths {
  std::string name;       ///< as the user calls the stream, for messages
  std::string directory;  ///< without symbolic links

  [[nodiscard]] std::string database() const { return directory + "/stream.db"; }
  [[nodiscard]] std::string write_ahead_log() const { return directory + "/stream.db-wal"; }
  [[nodiscard]] std::string shared_memory() const { return directory + "/stream.db-shm"; }
  [[nodiscard]] std::string lock() const { return directory + "/lock"; }
};

}  // namespace shardlog::sqlite
