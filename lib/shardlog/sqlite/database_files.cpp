#include "shardlog/sqlite/database_files.h"

#include <sys/stat.h>

#include <cerrno>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

namespace {

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

DatabaseFiles::DatabaseFiles(const Paths& paths)
    : files_{{{paths.database()}, {paths.write_ahead_log()}, {paths.shared_memory()}}} {
  for (File& file : files_) file.identity = identity_of(file.path);
}

void DatabaseFiles::opened() {
  for (File& file : files_) {
    if (file.identity) {
      check(file);
    } else {
      file.identity = identity_of(file.path);
    }
  }
}

void DatabaseFiles::check_present() const {
  for (const File& file : files_) {
    if (file.identity) check(file);
  }
}

std::optional<DatabaseFiles::Identity> DatabaseFiles::identity_of(const std::string& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw system_error("look at " + name_of(path), errno);
  }
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1) {
    throw Error(ErrorCode::corrupt, name_of(path) + " is not a regular file with one name");
  }
  return Identity{facts.st_dev, facts.st_ino};
}

void DatabaseFiles::check(const File& file) {
  struct stat facts {};
  const bool found = ::lstat(file.path.c_str(), &facts) == 0;
  if (!found && errno != ENOENT && errno != ENOTDIR) throw system_error("look at " + name_of(file.path), errno);
  if (!found || facts.st_nlink != 1 || file.identity != Identity{facts.st_dev, facts.st_ino}) {
    throw Error(ErrorCode::not_found, name_of(file.path) + " was removed or replaced while it was in use");
  }
}

}  // namespace shardlog::sqlite
