#pragma once

#include <sys/stat.h>

#include <array>
#include <optional>
#include <string>

namespace shardlog::sqlite {

/// The name of a stream begins with this while it is being made or removed.
constexpr const char* scaffold_prefix = ".stream-";

/// All files that the directory of a stream may hold, besides its segments (segment_files.h).
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

/// Throws not_found or corrupt unless the directory holds a file stream.db.
Paths find_stream(const std::string& name);

/// stream.db, its log and its shared memory, as they were when SQLite opened them: SQLite itself goes on with files
/// that were removed or replaced, and its commits are lost. Looks at the names only.
class DatabaseFiles {
 public:
  /// Before SQLite opens them. Throws as look_at_regular().
  explicit DatabaseFiles(const Paths& paths);

  /// To be called once SQLite has opened all of them, which the first transaction does. Throws as check_present().
  void opened();

  /// Throws not_found if a file was removed or replaced, or has got another name.
  void check_present() const;

 private:
  struct File {
    std::string path;
    std::optional<struct stat> facts{};  ///< empty: it was not there yet
  };

  static void check(const File& file);

  std::array<File, 3> files_;
};

}  // namespace shardlog::sqlite
