#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>

#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

/// stream.db, its log and its shared memory, as they were when SQLite opened them. SQLite goes on with files that were
/// removed or replaced, and commits into nothing. Looks at names only: see Paths.
class DatabaseFiles {
 public:
  /// Before SQLite opens them. Throws corrupt where one that is there is not a regular file with one name: links and
  /// devices lead out of the directory, and a pipe would be waited for.
  explicit DatabaseFiles(const Paths& paths);

  /// To be called once SQLite has all of them open, which it has from the first transaction on. Throws as
  /// check_present() where a name stands for another file than before.
  void opened();

  /// Throws not_found where a name is gone, stands for another file, or the file has further names.
  void check_present() const;

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;

    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct File {
    std::string path;
    std::optional<Identity> identity{};  ///< nothing: it was not there
  };

  static std::optional<Identity> identity_of(const std::string& path);
  static void check(const File& file);

  std::array<File, 3> files_;
};

}  // namespace shardlog::sqlite
