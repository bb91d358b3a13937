#include "shardlog/sqlite/sqlite_engine.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "shardlog/core/uuid.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/writer_lock.h"

namespace shardlog::sqlite {

namespace {

/// Whether a program of ours may have made it: they make regular files only. Nothing else could be relied on to go.
bool is_part_of_a_stream(const std::string& path) {
  const std::string name = file_name(path);
  if (!segment_of(name) && std::find(stream_files.begin(), stream_files.end(), name) == stream_files.end())
    return false;
  const auto facts = look_at(path);
  return !facts || S_ISREG(facts->st_mode);  // it may be gone meanwhile
}

/// The segments of a stream. Throws if the directory holds anything but the stream: other files are not ours to delete.
std::vector<std::string> check_is_only_a_stream(const std::string& directory) {
  std::vector<std::string> segments;
  for (const std::string& path : paths_in(directory)) {
    const std::string name = file_name(path);
    if (!is_part_of_a_stream(path)) {
      throw Error(ErrorCode::cannot_create,
                  "not removed: its directory also holds " + quote(name) + ", which is not part of a stream");
    }
    if (segment_of(name)) segments.push_back(name);
  }
  return segments;
}

/// Throws if a power cut could bring the old name back: then no file may be unlinked, because the stream would lack it.
void sync_removal(const FileDescriptor& above, const std::string& doomed) {
  if (::fsync(above.get()) == 0) return;
  throw system_error(
      "it is removed, but a power cut may bring it back, and its files are still in " + quote(doomed) + ": sync",
      errno);
}

void unlink_all(const std::string& doomed, std::vector<std::string> names) {
  names.insert(names.end(), stream_files.begin(), stream_files.end());
  for (const std::string& name : names) {
    const std::string file = fmt::format("{}/{}", doomed, name);
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
      throw system_error("it is removed, but its file " + quote(file) + " is still there", errno);
  }
  if (::rmdir(doomed.c_str()) != 0)
    throw system_error("it is removed, but its directory " + quote(doomed) + " is still there", errno);
}

void remove(const std::string& path, const OpenOptions& options) {
  const Paths paths = find_stream(path);
  const WriterLock lock(paths.lock(), true);
  const auto held = lock.acquire(options.timeout);  // waits until a commit that is under way is acknowledged
  lock.check_present();
  const std::vector<std::string> segments = check_is_only_a_stream(paths.directory);
  // Fails now, before anything is changed, if the files could not be unlinked.
  if (::access(paths.directory.c_str(), W_OK | X_OK) != 0) throw system_error("remove", errno);
  const std::string parent = parent_directory(paths.directory);
  const FileDescriptor above = open_directory(parent);
  const std::string doomed = fmt::format("{}/{}{}", parent, scaffold_prefix, random_hex());
  // At once, so that nobody sees half a stream. A process that has it open finds that its name is gone.
  rename_to_free_name(paths.directory, doomed);
  sync_removal(above, doomed);
  unlink_all(doomed, segments);
}

}  // namespace

const Capabilities& capabilities() {
  static constexpr Capabilities all{.engine = "sqlite"};
  return all;
}

std::vector<std::string> SqliteEngine::list(const std::string& directory) {
  std::vector<std::string> streams = paths_in(directory);
  std::erase_if(streams, [](const std::string& path) {
    struct stat facts {};  // what may not be looked at is not listed
    return file_name(path).starts_with(scaffold_prefix) || ::lstat((path + "/stream.db").c_str(), &facts) != 0;
  });
  std::sort(streams.begin(), streams.end());
  return streams;
}

void SqliteEngine::remove(const std::string& address, const OpenOptions& options, const Clock& /*clock*/) {
  const std::string path = without_slash(address);
  named(path, [&] { sqlite::remove(path, options); });
}

}  // namespace shardlog::sqlite
