#include "shardlog/sqlite/sqlite_engine.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

namespace {

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

const Capabilities& capabilities() {
  static constexpr Capabilities all{.engine = "sqlite"};
  return all;
}

void SqliteEngine::create(const std::string& path, const CreateOptions& options, const Clock& clock) {
  sqlite::create(without_slash(path), options, clock);
}

std::unique_ptr<Stream> SqliteEngine::open(const std::string& path, const OpenOptions& options, const Clock& clock) {
  return sqlite::open(without_slash(path), options, clock);
}

std::vector<std::string> SqliteEngine::list(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> streams;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path();
    const bool unfinished = entry->path().filename().string().starts_with(scaffold_prefix);
    struct stat facts {};
    if (!unfinished && ::lstat((path + "/stream.db").c_str(), &facts) == 0) streams.push_back(path);
  }
  if (error) throw system_error("list the streams in " + quote(directory), error.value());
  std::sort(streams.begin(), streams.end());
  return streams;
}

void SqliteEngine::remove(const std::string& path, const OpenOptions& options, const Clock& /*clock*/) {
  const std::string name = without_slash(path);
  named(name, [&] { sqlite::remove(name, options); });
}

}  // namespace shardlog::sqlite
