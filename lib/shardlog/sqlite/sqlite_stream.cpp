#include "shardlog/sqlite/sqlite_stream.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include "shardlog/sqlite/appender.h"
#include "shardlog/sqlite/backlog.h"
#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/consumers.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/read_start.h"
#include "shardlog/sqlite/reader.h"
#include "shardlog/sqlite/repair_clock.h"
#include "shardlog/sqlite/resharder.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/snapshot.h"
#include "shardlog/sqlite/statistics.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/trimmer.h"
#include "shardlog/sqlite/verify.h"

namespace shardlog::sqlite {

namespace {

/// Throws unless the directory holds a stream's files, as far as names and kinds go.
Paths find_stream(const std::string& name) {
  struct stat facts {};
  if (::stat(name.c_str(), &facts) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw Error(ErrorCode::not_found, "no such stream");
    throw system_error("open", errno);
  }
  if (!S_ISDIR(facts.st_mode)) throw Error(ErrorCode::not_found, "not a stream: it is not a directory");
  Paths paths{name, real_path(name)};
  if (::lstat(paths.database().c_str(), &facts) != 0) {
    if (errno == ENOENT) throw Error(ErrorCode::not_found, "not a stream: the directory holds no stream.db");
    throw system_error("open", errno);
  }
  if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1) {
    throw Error(ErrorCode::corrupt, "stream.db is not a regular file with one name");
  }
  return paths;
}

OpenMode mode_for(const Paths& paths, Access access) {
  const bool writable = ::access(paths.database().c_str(), W_OK) == 0 && ::access(paths.directory.c_str(), W_OK) == 0;
  if (access == Access::write && !writable) throw system_error("open for writing", errno);
  return writable ? OpenMode::read_write : OpenMode::read_only;
}

class SqliteStream final : public Stream {
  template <typename Part>
  static Part& writing(std::optional<Part>& part) {
    if (!part) throw Error(ErrorCode::internal, "the stream was opened for reading only");
    return *part;
  }

  /// With its statements, from its first use on.
  template <typename Part>
  Part& ready(std::optional<Part>& part) {
    if (!part) part.emplace(database_);
    return *part;
  }

  template <typename Work>
  auto in_snapshot(const Work& work) {
    return named(paths_.name, [&] {
      const Snapshot snapshot(database_, lock_wait_);
      return work();
    });
  }

  /// Whether `change` was made.
  template <typename Change>
  bool changing(Sync sync, Notice notice, const Change& change) {
    return named(paths_.name, [&] {
      bool changed = false;
      const auto make = [&] { changed = change(); };
      writing(committer_).commit(sync, make, notice);
      return changed;
    });
  }

 public:
  SqliteStream(const std::string& path, const OpenOptions& options, const Clock& clock)
      : paths_(find_stream(path)),
        clock_(clock),
        lock_(paths_.lock(), options.access == Access::write),
        files_(paths_),
        lock_wait_(paths_.directory, options.timeout, clock),
        database_(open_database(paths_, mode_for(paths_, options.access))) {
    if (options.access == Access::read) database_.exec("PRAGMA query_only=ON");
    SQLite::Transaction transaction(database_);
    check_schema(database_);
    Configuration configuration = load_configuration(database_, options.access);
    const std::string unsafe = configuration.unsafe_file_system ? "" : unsafe_file_system(paths_.directory);
    if (!unsafe.empty()) {
      throw Error(ErrorCode::cannot_create,
                  "SQLite's write-ahead log is not safe on " + unsafe + ", where this stream was not made");
    }
    files_.opened();
    transaction.commit();
    lock_.set_stream(configuration.uuid);
    if (options.access == Access::write) {
      committer_.emplace(database_, paths_, lock_, files_, options, clock);
      resharder_.emplace(database_, *committer_, clock);
      trimmer_.emplace(database_, *committer_, lock_wait_, clock);
      appender_.emplace(database_, *committer_, std::move(configuration), clock);
    }
  }

  StreamDescription describe() override {
    return named(paths_.name, [&] {
      const Snapshot snapshot(database_, lock_wait_);
      return describe(load_configuration(database_, Access::read));
    });
  }

  std::optional<std::vector<Appended>> append(std::span<const RoutedBatch> batches, Sync sync,
                                              std::span<const ProducerMove> moves) override {
    return named(paths_.name, [&] {
      // Before the append, so that it can use the space, and so that an error means that nothing of it is stored.
      writing(trimmer_).go_on(writing(appender_).retention(), batches.size());
      return writing(appender_).append(batches, sync, moves);
    });
  }

  std::unique_ptr<Reader> read(const ReadRequest& request) override {
    return named(paths_.name, [&] {
      return std::make_unique<SqliteReader>(database_, paths_, lock_, files_, lock_wait_, clock_, request);
    });
  }

  std::vector<ShardPlace> locate(const Position& position, const std::vector<ShardId>& shards) override {
    return in_snapshot([&] {
      const Configuration configuration = load_configuration(database_, Access::read);
      return sqlite::locate(database_, configuration, position, shards, clock_.now());
    });
  }

  void make_durable() override {
    named(paths_.name, [&] { writing(committer_).make_durable(); });
  }

  std::vector<Producer> producer(const std::string& name) override {
    return in_snapshot([&] { return ready(producers_).of(name); });
  }

  std::vector<Producer> producers() override {
    return in_snapshot([&] { return ready(producers_).all(); });
  }

  bool forget_producer(const std::string& name) override {
    return changing(Sync::full, Notice::followers, [&] { return ready(producers_).forget(name); });
  }

  std::optional<Consumer> consumer(const std::string& name) override {
    return in_snapshot([&] { return ready(consumers_).find(name); });
  }

  std::vector<Consumer> consumers() override {
    return in_snapshot([&] { return ready(consumers_).all(); });
  }

  bool replace_consumer(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override {
    check_replacement(expected, desired);
    return changing(Sync::full, Notice::followers, [&] { return ready(consumers_).replace(expected, desired); });
  }

  bool change_leases(const std::string& consumer_uuid, std::span<const LeaseChange> changes) override {
    check_changes(changes);
    // Records are delivered again where a power cut takes a checkpoint back, which readers are prepared for.
    const bool cheap = only_progress(changes);
    return changing(cheap ? Sync::normal : Sync::full, cheap ? Notice::nobody : Notice::followers,
                    [&] { return ready(consumers_).change(consumer_uuid, changes); });
  }

  void update(const SettingsChange& change) override {
    named(paths_.name, [&] {
      Duration retention = forever;
      if (change.accept_loss) writing(committer_).allow_missing_end();
      writing(committer_).commit(Sync::full, [&] {
        Configuration configuration = load_configuration(database_, Access::write);
        ++configuration.version;
        if (change.retention) configuration.settings.retention = *change.retention;
        if (change.accept_loss) accept_loss(database_, configuration, lock_.mark(), clock_.now());
        if (change.repair_clock) repair_clock(database_, configuration, clock_.now());
        if (change.compression) configuration.settings.compression = *change.compression;
        if (change.max_record_size) configuration.settings.max_record_size = *change.max_record_size;
        for (const auto& [key, value] : change.tags) {
          configuration.settings.tags.erase(key);
          if (!value.empty()) configuration.settings.tags.emplace(key, value);
        }
        check(configuration.settings);
        store_settings(database_, configuration);
        retention = configuration.settings.retention;
      });
      writing(trimmer_).finish(retention);
    });
  }

  std::optional<ShardMap::Version> reshard(const ReshardStep& step, ShardMap::Version version) override {
    return named(paths_.name, [&] { return writing(resharder_).apply(step, version); });
  }

  StreamStatistics statistics(Detail detail) override {
    return named(paths_.name, [&] {
      const Snapshot snapshot(database_, lock_wait_);
      const Configuration configuration = load_configuration(database_, Access::read);
      return StreamStatistics{describe(configuration), shard_statistics(database_, configuration, clock_.now(), detail),
                              stored_bytes()};
    });
  }

  Backlog backlog(std::span<const ShardStart> starts) override {
    return named(paths_.name, [&] {
      const Snapshot snapshot(database_, lock_wait_);
      const Configuration configuration = load_configuration(database_, Access::read);
      return sqlite::backlog(database_, configuration, starts, clock_.now());
    });
  }

  VerifyReport verify(const std::function<bool(double)>& progress) override {
    return named(paths_.name, [&] { return sqlite::verify(database_, lock_, lock_wait_, progress); });
  }

 private:
  StreamDescription describe(const Configuration& configuration) {
    StreamDescription description{configuration.uuid, format_version, configuration.created_at, configuration.settings,
                                  configuration.map()};
    description.losses = configuration.losses;
    if (const NewestBatch newest = newest_batch(database_, configuration); newest.id > 0) {
      description.last_batch = static_cast<std::uint64_t>(newest.id);
      description.last_arrival = newest.arrived_at;
    }
    return description;
  }

  [[nodiscard]] std::uint64_t stored_bytes() const {
    std::uint64_t total = 0;
    for (const std::string& path : {paths_.database(), paths_.write_ahead_log()}) {
      struct stat facts {};
      if (::stat(path.c_str(), &facts) == 0) total += static_cast<std::uint64_t>(facts.st_size);
    }
    return total;
  }

  Paths paths_;
  const Clock& clock_;
  WriterLock lock_;
  DatabaseFiles files_;
  LockWait lock_wait_;
  SQLite::Database database_;
  std::optional<Committer> committer_;
  std::optional<Trimmer> trimmer_;
  std::optional<Appender> appender_;
  std::optional<Resharder> resharder_;
  std::optional<Consumers> consumers_;
  std::optional<Producers> producers_;
};

}  // namespace

std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock) {
  std::string path = address;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto open_now = [&] {
    // A process that is stopped while it recovers the log stops all others.
    std::unique_lock<std::mutex> under_way;
    if (options.commit_mutex != nullptr) under_way = std::unique_lock(*options.commit_mutex);
    return std::make_unique<SqliteStream>(path, options, clock);
  };
  return named(path, [&] { return LockWait(path, options.timeout, clock).run(open_now); });
}

std::vector<std::string> list_streams(const std::string& directory) {
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

}  // namespace shardlog::sqlite
