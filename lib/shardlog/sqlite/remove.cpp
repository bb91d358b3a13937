#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "shardlog/core/uuid.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/session.h"
#include "shardlog/sqlite/sqlite_engine.h"

namespace shardlog::sqlite {

namespace {

constexpr std::array<const char*, 5> parts{"lock", "stream.db", "stream.db-journal", "stream.db-wal", "stream.db-shm"};

bool is_part(const std::string& name) {
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

/// Throws unless the directory holds nothing but a stream: what else a person keeps there is not ours to delete.
void check_is_only_a_stream(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (!is_part(name)) {
      throw Error(ErrorCode::cannot_create,
                  "its directory holds " + quote(name) + " too, which is no part of a stream");
    }
  }
}

}  // namespace

void remove(const std::string& path, const OpenOptions& options) {
  const Paths paths = find_stream(path);
  const WriterLock lock(paths.lock(), true);
  const auto held = lock.acquire(options.timeout);  // a commit that is under way is acknowledged first
  lock.check_present();
  check_is_only_a_stream(paths.directory);
  const std::string parent = parent_directory(paths.directory);
  const std::string doomed = parent + "/" + scaffold_prefix + random_hex();
  // At once, so that nobody sees half of it. Whoever has it open finds its name gone.
  rename_to_free_name(paths.directory, doomed);
  for (const char* const part : parts) {
    if (::unlink((doomed + "/" + part).c_str()) != 0 && errno != ENOENT) throw system_error("remove", errno);
  }
  if (::rmdir(doomed.c_str()) != 0) throw system_error("remove", errno);
  sync_directory(parent);
}

}  // namespace shardlog::sqlite
