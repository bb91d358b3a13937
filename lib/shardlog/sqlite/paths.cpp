#include "shardlog/sqlite/paths.h"

#include <cerrno>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/file_system.h"

namespace shardlog::sqlite {

Paths find_stream(const std::string& name) {
  struct stat facts {};
  if (::stat(name.c_str(), &facts) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw Error(ErrorCode::not_found, "no such stream");
    throw system_error("open", errno);
  }
  if (!S_ISDIR(facts.st_mode)) throw Error(ErrorCode::not_found, "not a stream: it is not a directory");
  Paths paths{name, real_path(name)};
  if (!look_at_regular(paths.database())) {
    throw Error(ErrorCode::not_found, "not a stream: the directory holds no stream.db");
  }
  return paths;
}

DatabaseFiles::DatabaseFiles(const Paths& paths)
    : files_{{{paths.database()}, {paths.write_ahead_log()}, {paths.shared_memory()}}} {
  for (File& file : files_) file.facts = look_at_regular(file.path);
}

void DatabaseFiles::opened() {
  check_present();
  for (File& file : files_) {
    if (!file.facts) file.facts = look_at_regular(file.path);
  }
}

void DatabaseFiles::check_present() const {
  for (const File& file : files_) {
    if (file.facts) check(file);
  }
}

void DatabaseFiles::check(const File& file) {
  const auto there = look_at(file.path);
  if (!there || there->st_nlink != 1 || !same_file(*file.facts, *there)) {
    throw Error(ErrorCode::not_found, file_name(file.path) + " was removed or replaced while it was in use");
  }
}

}  // namespace shardlog::sqlite
