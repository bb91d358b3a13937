// An open stream: its log and its other parts, which run the functions of the tables in transactions.

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

#include "shardlog/capacity/reading.h"
#include "shardlog/sqlite/appender.h"
#include "shardlog/sqlite/capacity_table.h"
#include "shardlog/sqlite/consumers.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/maintenance.h"
#include "shardlog/sqlite/metrics_history.h"
#include "shardlog/sqlite/metrics_table.h"
#include "shardlog/sqlite/process_identity.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/read_start.h"
#include "shardlog/sqlite/reader.h"
#include "shardlog/sqlite/resharder.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/session.h"
#include "shardlog/sqlite/sqlite_engine.h"
#include "shardlog/sqlite/statistics.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/trimmer.h"
#include "shardlog/sqlite/verify.h"

namespace shardlog::sqlite {

namespace {

/// REQUIRES: a transaction is open
StreamDescription description_of(Database& database, const Configuration& configuration) {
  StreamDescription description{configuration.uuid, format_version, configuration.created_at, configuration.settings,
                                configuration.map()};
  description.losses = configuration.told_losses();
  description.attributes = configuration.attributes;
  if (const NewestBatch newest = newest_batch(database, configuration); newest.id > 0) {
    description.turn = static_cast<std::uint64_t>(newest.id);
    description.last_arrival = newest.arrived_at;
  }
  return description;
}

void apply(Configuration& to, const SettingsChange& change) {
  shardlog::apply(to.settings, change);
  change_values(to.attributes, change.attributes);
  check(to.attributes);
}

class SqliteLeases final : public LeaseStore {
 public:
  explicit SqliteLeases(Session& session) : session_(session), consumers_(session.database()) {}

  std::optional<Consumer> find(const std::string& name) override {
    return session_.in_snapshot([&] { return consumers_.find(name); });
  }

  std::vector<Consumer> all() override {
    return session_.in_snapshot([&] { return consumers_.all(); });
  }

  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override {
    check_replacement(expected, desired);
    return session_.changing(Sync::full, Told::followers, [&] { return consumers_.replace(expected, desired); });
  }

  bool change(const std::string& consumer_uuid, std::span<const LeaseChange> changes) override {
    check_changes(changes);
    // If a power cut takes a checkpoint back, records are delivered again, which readers are prepared for.
    const bool cheap = only_progress(changes);
    return session_.changing(cheap ? Sync::normal : Sync::full, cheap ? Told::nobody : Told::followers,
                             [&] { return consumers_.change(consumer_uuid, changes); });
  }

 private:
  Session& session_;
  Consumers consumers_;
};

class SqliteProducers final : public ProducerStore {
 public:
  explicit SqliteProducers(Session& session) : session_(session), producers_(session.database()) {}

  std::vector<Producer> of(const std::string& name) override {
    return session_.in_snapshot([&] { return producers_.of(name); });
  }

  std::vector<Producer> all() override {
    return session_.in_snapshot([&] { return producers_.all(); });
  }

  bool forget(const std::string& name) override {
    return session_.changing(Sync::full, Told::followers, [&] { return producers_.forget(name); });
  }

 private:
  Session& session_;
  Producers producers_;
};

class SqliteReadCapacity final : public ReadCapacity {
 public:
  explicit SqliteReadCapacity(Session& session)
      : session_(session), buckets_(session.database(), CapacityTable::Use::reading), consumers_(session.database()) {}

  capacity::Limits top_up(std::span<Share> shares) override {
    std::vector<Share> topped_up;
    const capacity::Limits limits = changing([&](const capacity::Moment& now) {
      topped_up.assign(shares.begin(), shares.end());
      for (Share& share : topped_up) {
        capacity::Bucket bucket = buckets_.load(share.shard);
        capacity::top_up(share.held, bucket, {share.since, consumers_.readers_of(share.shard)}, now);
        buckets_.store(share.shard, bucket);
      }
    });
    std::copy(topped_up.begin(), topped_up.end(), shares.begin());
    return limits;
  }

  void give_back(std::span<const Share> shares) override {
    changing([&](const capacity::Moment& now) {
      for (const Share& share : shares) {
        capacity::Bucket bucket = buckets_.load(share.shard);
        capacity::give_back(share.held, bucket, now);
        buckets_.store(share.shard, bucket);
      }
    });
  }

 private:
  /// Commits what `change` does, if the stream limits what is read. Not synced: if a power cut takes it back, the
  /// machine is a new one to the buckets anyway.
  template <typename Change>
  capacity::Limits changing(const Change& change) {
    session_.changing(Sync::normal, Told::nobody, [&] {
      if (limits_reading(session_.current_configuration())) change(moment_of(session_.clock()));
      return true;
    });
    return session_.configuration().settings.limits;
  }

  Session& session_;
  CapacityTable buckets_;
  Consumers consumers_;
};

class SqliteMaintenance final : public Maintenance {
 public:
  explicit SqliteMaintenance(Session& session) : session_(session) {}

  void update(const SettingsChange& change) override {
    session_.naming([&] {
      Database& database = session_.database();
      if (change.accept_loss) session_.committer().allow_missing_end();
      session_.committer().commit(Sync::full, [&] {
        Configuration configuration = load_configuration(database, Access::write);
        const Timestamp now = session_.clock().now();
        ++configuration.version;
        if (change.accept_loss) accept_loss(database, configuration, session_.lock().mark(), now);
        if (change.repair_clock) repair_clock(database, configuration, now);
        apply(configuration, change);
        store_settings(database, configuration);
      });
      try {
        trimmer().finish();
      } catch (const Error& error) {
        // This throws a different error: with the original one, the caller would think that nothing was changed.
        if (error.code() != ErrorCode::busy && error.code() != ErrorCode::full) throw;
        throw Error(
            ErrorCode::io,
            fmt::format("the settings were changed, but not all records that may go were removed: {}", error.what()));
      }
    });
  }

  StreamStatistics statistics(Detail detail) override {
    return session_.reading([&](Database& database, const Configuration& configuration) {
      std::int64_t bytes = size_of(session_.paths().database()) + size_of(session_.paths().write_ahead_log());
      if (const SegmentFiles* const segments = session_.segments()) {
        for (const SegmentRow& row : load_segments(database)) bytes += segments->size_of(row.id).value_or(0);
      }
      return StreamStatistics{description_of(database, configuration),
                              shard_statistics(database, configuration, session_.clock().now(), detail),
                              static_cast<std::uint64_t>(bytes)};
    });
  }

  std::vector<std::optional<std::vector<Intake>>> intake(std::span<const Timestamp> times) override {
    return session_.reading([&](Database& database, const Configuration& configuration) {
      return sqlite::intake(database, configuration, times);
    });
  }

  Backlog backlog(std::span<const ShardStart> starts) override {
    return session_.reading([&](Database& database, const Configuration& configuration) {
      return sqlite::backlog(database, configuration, starts, session_.clock().now());
    });
  }

  VerifyReport verify(const std::function<bool(double)>& progress) override {
    return session_.naming([&] {
      return sqlite::verify(session_.database(), session_.lock(), session_.files(), session_.segments(),
                            session_.lock_wait(), progress);
    });
  }

  /// Prepared by its first use, because a stream that is open for reading has none.
  Trimmer& trimmer() {
    if (!trimmer_) {
      trimmer_.emplace(session_.database(), session_.committer(), session_.segments(), session_.lock_wait(),
                       session_.clock());
    }
    return *trimmer_;
  }

 private:
  Session& session_;
  std::optional<Trimmer> trimmer_;
};

class SqliteMetrics final : public Metrics {
 public:
  explicit SqliteMetrics(Session& session) : session_(session) {}

  bool add(std::span<const metrics::Period> minutes) override {
    MeasuredMinutes measured;
    for (const metrics::Period& each : minutes) measured[start_of(minute, each.start)] += each.measures;
    if (measured.empty()) return true;
    constexpr std::int64_t pages_a_minute = 8;  // for a thousand shards
    const std::int64_t pages = pages_a_minute * (std::ssize(minutes) + 1);
    // Not synced: what a power cut takes back is not worth the time.
    return session_.changing_if_free(
        [&] {
          const Timestamp now = session_.clock().now();
          table().add(measured, now);
          if (session_.writes()) table().roll_up(now);  // a reader may be one that gets little of the processor
        },
        pages);
  }

  std::vector<metrics::Period> history(Timestamp from, Timestamp until) override {
    const Timestamp now = session_.clock().now();
    std::vector<metrics::Period> all;
    for (const TimeSpan& piece : pieces_of_history({from, until}, now)) {
      auto periods = session_.reading([&](Database& database, const Configuration& configuration) {
        return sqlite::history(database, configuration, piece, now);
      });
      std::move(periods.begin(), periods.end(), std::back_inserter(all));
    }
    return all;
  }

 private:
  /// Prepared by its first use, because most programs are short.
  MetricsTable& table() {
    if (!table_) table_.emplace(session_.database());
    return *table_;
  }

  Session& session_;
  std::optional<MetricsTable> table_;
};

class CommitNotice final : public shardlog::Notice {
 public:
  explicit CommitNotice(std::shared_ptr<CommitWatch> watch) : watch_(std::move(watch)), seen_(watch_->noticed()) {}

  bool wait(Duration timeout, const std::stop_token& stop) override {
    return watch_->wait(seen_, std::min(timeout, poll_interval), stop);
  }

 private:
  std::shared_ptr<CommitWatch> watch_;
  std::uint64_t seen_;
};

class SqliteStream final : public Stream, private WriteCapacity {
 public:
  SqliteStream(const std::string& path, const OpenOptions& options, const Clock& clock)
      : session_(path, options, clock) {}

  [[nodiscard]] const Capabilities& capabilities() const override { return sqlite::capabilities(); }

  StreamDescription describe() override { return session_.reading(&description_of); }

  std::vector<Outcome> append(const AppendRequest& request) override {
    return session_.naming([&] { return appender_for(request).append(request); });
  }

  WriteCapacity& write_capacity() override { return *this; }
  ReadCapacity& read_capacity() override { return read_capacity_; }

  void make_durable() override {
    session_.naming([&] { session_.committer().make_durable(); });
  }

  std::unique_ptr<Reader> read(const ReadRequest& request) override {
    return session_.naming([&] {
      return std::make_unique<SqliteReader>(session_.database(), session_.paths(), session_.lock(), session_.files(),
                                            session_.segments(), session_.lock_wait(), session_.clock(),
                                            request.follow && request.notice ? session_.watch() : nullptr,
                                            session_.configuration(), seen_, request);
    });
  }

  std::vector<LocatedStart> locate(const Position& position, const std::vector<ShardId>& shards) override {
    return session_.reading([&](Database& database, const Configuration& configuration) {
      return sqlite::locate(database, configuration, position, shards, session_.clock().now());
    });
  }

  std::unique_ptr<shardlog::Notice> notice() override { return std::make_unique<CommitNotice>(session_.watch()); }

  Resharding& resharding() override { return resharder_; }
  LeaseStore& leases() override { return leases_; }
  Liveness& liveness() override { return liveness_; }
  ProducerStore& producers() override { return producers_; }
  Maintenance& maintenance() override { return maintenance_; }
  Metrics& metrics() override { return metrics_; }

 private:
  capacity::Slice reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid) override {
    return session_.naming([&] { return appender().reserve(steps, paid); });
  }

  Appended append(const AppendRequest& reserved, std::span<const capacity::Step> next,
                  const capacity::Seconds& paid) override {
    return session_.naming([&] { return appender_for(reserved).append_reserved(reserved, next, paid); });
  }

  Appender& appender() {
    if (!appender_) {
      appender_.emplace(session_.database(), session_.committer(), session_.segments(), session_.configuration(),
                        session_.clock());
    }
    return *appender_;
  }

  /// Trims before the append, so that the append can use the space, and an error means that nothing of it was stored.
  Appender& appender_for(const AppendRequest& request) {
    if (appender().has_made_room()) maintenance_.trimmer().note_trimmed();
    maintenance_.trimmer().go_on(appender().settings(), request.batches.size());
    return appender();
  }

  Session session_;
  std::optional<Appender> appender_;  ///< from the first append on
  std::shared_ptr<SeenBatches> seen_ = std::make_shared<SeenBatches>();
  Resharder resharder_{session_};
  SqliteReadCapacity read_capacity_{session_};
  SqliteLeases leases_{session_};
  ProcessLiveness liveness_;
  SqliteProducers producers_{session_};
  SqliteMaintenance maintenance_{session_};
  SqliteMetrics metrics_{session_};
};

}  // namespace

std::unique_ptr<Stream> SqliteEngine::open(const std::string& address, const OpenOptions& options, const Clock& clock) {
  const std::string path = without_slash(address);
  const auto open_now = [&] {
    // If this process were stopped while it recovers the log, all others would have to wait.
    std::unique_lock<std::mutex> under_way;
    if (options.commit_mutex != nullptr) under_way = std::unique_lock(*options.commit_mutex);
    return std::make_unique<SqliteStream>(path, options, clock);
  };
  return named(path, [&] { return LockWait(path, options.timeout, clock).run(open_now); });
}

}  // namespace shardlog::sqlite
