#pragma once

#include <sys/stat.h>

#include <array>
#include <optional>
#include <string>

#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

/// stream.db, its log and its shared memory, as they were when SQLite opened them: SQLite itself goes on with files
/// that were removed or replaced, and its commits are lost. Looks at the names only: see Paths.
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
