#pragma once

#include <array>
#include <string>

namespace shardlog::sqlite {

/// The name of a stream begins with this while it is being made or removed.
constexpr const char* scaffold_prefix = ".stream-";

/// All files that the directory of a stream may hold.
constexpr std::array<const char*, 5> stream_files{"lock", "stream.db", "stream.db-journal", "stream.db-wal",
                                                  "stream.db-shm"};

/// The files of a stream's directory. Open stream.db and the files beside it through SQLite only: if this process
/// opened and closed one of them itself, SQLite would lose its locks. stat(2) is harmless.
struct Paths {
  std::string name;       ///< what the user calls the stream, for messages
  std::string directory;  ///< without symbolic links

  [[nodiscard]] std::string database() const { return directory + "/stream.db"; }
  [[nodiscard]] std::string write_ahead_log() const { return directory + "/stream.db-wal"; }
  [[nodiscard]] std::string shared_memory() const { return directory + "/stream.db-shm"; }
  [[nodiscard]] std::string lock() const { return directory + "/lock"; }
};

}  // namespace shardlog::sqlite
