#include <mutex>
#include <optional>
#include <utility>

#include "shardlog/sqlite/appender.h"
#include "shardlog/sqlite/process_identity.h"
#include "shardlog/sqlite/read_start.h"
#include "shardlog/sqlite/reader.h"
#include "shardlog/sqlite/session.h"
#include "shardlog/sqlite/sqlite_engine.h"
#include "shardlog/sqlite/stream_parts.h"

namespace shardlog::sqlite {

namespace {

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

class SqliteStream final : public Stream {
 public:
  SqliteStream(const std::string& path, const OpenOptions& options, const Clock& clock)
      : session_(path, options, clock) {}

  [[nodiscard]] const Capabilities& capabilities() const override { return sqlite::capabilities(); }

  StreamDescription describe() override {
    return session_.in_snapshot(
        [&] { return sqlite::describe(session_.database(), load_configuration(session_.database(), Access::read)); });
  }

  std::vector<Outcome> append(const AppendRequest& request) override {
    return session_.naming([&] {
      if (!appender_) {
        appender_.emplace(session_.database(), session_.committer(), session_.configuration(), session_.clock());
      }
      // Before the append, so that it can use the space, and so that an error means that nothing of it is stored.
      maintenance_.trim_on_the_way(appender_->retention(), request.batches.size());
      return appender_->append(request);
    });
  }

  void make_durable() override {
    session_.naming([&] { session_.committer().make_durable(); });
  }

  std::unique_ptr<Reader> read(const ReadRequest& request) override {
    return session_.naming([&] {
      return std::make_unique<SqliteReader>(session_.database(), session_.paths(), session_.lock(), session_.files(),
                                            session_.lock_wait(), session_.clock(),
                                            request.follow && request.notice ? session_.watch() : nullptr,
                                            session_.configuration(), seen_, request);
    });
  }

  std::vector<ShardPlace> locate(const Position& position, const std::vector<ShardId>& shards) override {
    return session_.in_snapshot([&] {
      const Configuration configuration = load_configuration(session_.database(), Access::read);
      return sqlite::locate(session_.database(), configuration, position, shards, session_.clock().now());
    });
  }

  std::unique_ptr<shardlog::Notice> notice() override { return std::make_unique<CommitNotice>(session_.watch()); }

  Resharding& resharding() override { return resharding_; }
  LeaseStore& leases() override { return leases_; }
  Liveness& liveness() override { return liveness_; }
  ProducerStore& producers() override { return producers_; }
  Maintenance& maintenance() override { return maintenance_; }

 private:
  Session session_;
  std::optional<Appender> appender_;  ///< from the first append on
  std::shared_ptr<SeenBatches> seen_ = std::make_shared<SeenBatches>();
  SqliteResharding resharding_{session_};
  SqliteLeases leases_{session_};
  ProcessLiveness liveness_;
  SqliteProducers producers_{session_};
  SqliteMaintenance maintenance_{session_};
};

}  // namespace

std::unique_ptr<Stream> open(const std::string& path, const OpenOptions& options, const Clock& clock) {
  const auto open_now = [&] {
    // A process that is stopped while it recovers the log stops all others.
    std::unique_lock<std::mutex> under_way;
    if (options.commit_mutex != nullptr) under_way = std::unique_lock(*options.commit_mutex);
    return std::make_unique<SqliteStream>(path, options, clock);
  };
  return named(path, [&] { return LockWait(path, options.timeout, clock).run(open_now); });
}

}  // namespace shardlog::sqlite
