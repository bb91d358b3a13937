#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "shardlog/core/uuid.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/file_descriptor.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/sqlite_engine.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

// Leave the owner or the group as it is (chown(2)).
constexpr auto same_user = static_cast<uid_t>(-1);
constexpr auto same_group = static_cast<gid_t>(-1);

/// Kinesis API, "StreamName".
void check_name(const std::string& path) {
  constexpr std::size_t longest = 128;
  const std::string name = path.substr(path.find_last_of('/') + 1);
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  const bool fits = !name.empty() && name.size() <= longest && name.find_first_not_of(allowed) == std::string::npos;
  if (!fits || name == "." || name == "..") {
    throw Error(ErrorCode::usage,
                fmt::format("create stream {}: a stream's name has 1 to {} characters: a-z A-Z 0-9 _ . -", quote(path),
                            longest));
  }
}

gid_t group_id(const std::string& name) {
  errno = 0;
  const group* const found = ::getgrnam(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread creates
  if (found == nullptr) throw Error(ErrorCode::usage, "group " + quote(name) + ": no such group");
  return found->gr_gid;
}

/// A directory that has a temporary name at first. It is removed again unless it gets its final name.
class Scaffold {
 public:
  explicit Scaffold(const std::string& parent) : path_(fmt::format("{}/{}{}", parent, scaffold_prefix, random_hex())) {
    if (::mkdir(path_.c_str(), S_IRWXU) != 0) throw system_error("make a directory in " + quote(parent), errno);
  }
  Scaffold(const Scaffold&) = delete;
  Scaffold& operator=(const Scaffold&) = delete;
  ~Scaffold() {
    if (!finished_) remove();
  }

  [[nodiscard]] const std::string& path() const { return path_; }

  void finish(const std::string& stream) {
    sync_directory(path_);
    rename_to_free_name(path_, stream);
    finished_ = true;
  }

 private:
  /// Does not list the directory: that takes a descriptor, and the creation may have failed because there was none.
  void remove() const {
    for (const char* const file : stream_files) ::unlink((path_ + "/" + file).c_str());
    ::rmdir(path_.c_str());
  }

  std::string path_;
  bool finished_ = false;
};

/// Sets mode and group whatever the umask is. SQLite gives its other files the mode of stream.db.
void make_file(const std::string& path, mode_t mode, gid_t group) {
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  const bool made = file.valid() && ::fchown(file.get(), same_user, group) == 0 && ::fchmod(file.get(), mode) == 0 &&
                    ::fsync(file.get()) == 0;
  if (!made) throw system_error("create " + quote(path), errno);
}

/// SQLite's other files get their group from the directory.
void set_directory_mode(const std::string& path, mode_t mode, gid_t group) {
  if (::chown(path.c_str(), same_user, group) != 0) throw system_error("give the stream to its group", errno);
  if (::chmod(path.c_str(), mode) != 0) throw system_error("create " + quote(path), errno);
}

Configuration make_configuration(const CreateOptions& options, Timestamp now, bool unsafe) {
  Configuration configuration;
  configuration.uuid = make_uuid();
  configuration.created_at = now;
  configuration.settings = options.settings;
  configuration.attributes = options.attributes;
  configuration.unsafe_file_system = unsafe;
  configuration.features.emplace(feature_segments, incompatible);
  std::uint32_t number = 0;
  for (const HashRange& range : even_ranges(options.shards)) {
    configuration.shards.push_back({{ShardId(number++), range, now}, 1});
  }
  return configuration;
}

void fill(const Paths& paths, const Configuration& configuration) {
  Database database = open_database(paths, OpenMode::create);
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  create_schema(database, configuration.features);
  create_horizon(database);
  store_settings(database, configuration);
  for (const ShardRow& row : configuration.shards) store_shard(database, row);
  transaction.commit();
  // Nobody else knows this stream yet, so this needs no lock.
  const int result =
      sqlite3_wal_checkpoint_v2(database.getHandle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (result != SQLITE_OK) throw SQLite::Exception(database.getHandle(), result);
}

/// Makes the stream, and returns the directory above it, which is not synced yet. Its errors do not name the stream.
FileDescriptor build(const std::string& path, const CreateOptions& options, const Clock& clock) {
  const gid_t group = options.group ? group_id(*options.group) : same_group;
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) throw Error(ErrorCode::exists, "the name is taken");
  const std::string unsafe = unsafe_file_system(parent_directory(path));
  if (!unsafe.empty() && !options.unsafe_file_system) {
    throw Error(ErrorCode::cannot_create,
                fmt::format("SQLite's write-ahead log is not safe on {}; use --force to create it anyway", unsafe));
  }
  const std::string parent = real_path(parent_directory(path));
  // Opened before the stream exists, so that only the sync can fail afterwards.
  FileDescriptor above = open_directory(parent);
  Scaffold scaffold(parent);
  const Paths paths{path, scaffold.path()};
  set_directory_mode(paths.directory, options.group ? S_IRWXU | S_IRWXG | S_ISGID : S_IRWXU, group);
  const mode_t mode = options.group ? S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP : S_IRUSR | S_IWUSR;
  make_file(paths.lock(), mode, group);
  make_file(paths.database(), mode, group);
  fill(paths, make_configuration(options, clock.now(), !unsafe.empty()));
  scaffold.finish(path);
  return above;
}

/// Whether the error means that this place cannot hold a stream.
bool is_of_the_place(ErrorCode code) {
  return code == ErrorCode::not_found || code == ErrorCode::io || code == ErrorCode::full || code == ErrorCode::busy;
}

}  // namespace

void SqliteEngine::create(const std::string& address, const CreateOptions& options, const Clock& clock) {
  const std::string path = without_slash(address);
  check_name(path);
  check(options.settings);
  check(options.attributes);
  if (options.shards < 1 || options.shards > max_shards) {
    throw Error(ErrorCode::usage, fmt::format("{} shards: a stream has 1 to {}", options.shards, max_shards));
  }
  const std::string what = "create stream " + quote(path);
  FileDescriptor above;
  try {
    above = build(path, options, clock);
  } catch (const SQLite::Exception& error) {
    throw Error(ErrorCode::cannot_create, translate(error, what).what());
  } catch (const Error& error) {
    throw Error(is_of_the_place(error.code()) ? ErrorCode::cannot_create : error.code(), what + ": " + error.what());
  }
  if (::fsync(above.get()) != 0) {
    throw Error(ErrorCode::io,
                system_error(what + ": it is created and can be used, but a power cut may undo that: sync " +
                                 quote(parent_directory(path)),
                             errno)
                    .what());
  }
}

}  // namespace shardlog::sqlite
