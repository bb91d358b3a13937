#include "shardlog/sqlite/sqlite_engine.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/paths.h"

namespace shardlog::sqlite {

const Capabilities& capabilities() {
  static constexpr Capabilities all{.engine = "sqlite"};
  return all;
}

std::vector<std::string> SqliteEngine::list(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> streams;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path();
    struct stat facts {};  // what may not be looked at is not listed
    const bool is_stream = ::lstat((path + "/stream.db").c_str(), &facts) == 0;
    if (is_stream && !file_name(path).starts_with(scaffold_prefix)) streams.push_back(path);
  }
  if (error) throw system_error("list the streams in " + quote(directory), error.value());
  std::sort(streams.begin(), streams.end());
  return streams;
}

}  // namespace shardlog::sqlite
