#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/batch_walk.h"
#include "shardlog/sqlite/chosen_shards.h"
#include "shardlog/sqlite/commit_watch.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/payload.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/shard_ends.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/writer_lock.h"

namespace shardlog::sqlite {

/// Reads batches in commit order. Its place is a Tail: it checks that every shard's sequence numbers continue, so that
/// a row that is missing is found; only those of the shards that are asked for where these are few. Only what the trim
/// horizon of the same transaction covers may be gone, and is told as gaps, and so is what is expired.
class SqliteReader final : public Reader {
 public:
  /// All must outlive it. With a `watch`, commits wake it. `known` is an earlier configuration, which saves loading
  /// it if it is still the newest.
  SqliteReader(SQLite::Database& database, const Paths& paths, const WriterLock& lock, const DatabaseFiles& files,
               const LockWait& lock_wait, const Clock& clock, std::shared_ptr<CommitWatch> watch,
               const Configuration& known, const ReadRequest& request);

  ReadResult next(std::size_t budget) override;
  bool wait(Duration timeout, std::stop_token stop) override;

 private:
  static constexpr std::int64_t open_ended = std::numeric_limits<std::int64_t>::max();

  ReadResult next_unnamed(std::size_t budget);
  void resolve(const ReadRequest& request, std::int64_t durable_batch);
  void resolve_start(const ReadRequest& request, const Tail& horizon);
  void resolve_end(const ReadRequest& request, const Tail& horizon, std::int64_t durable_batch);
  void end_at(Place place);
  std::vector<FetchedBatch> fetch(std::size_t budget);
  void check_end(const std::optional<DurableMark>& mark);
  void follow_map();
  void skip_what_is_gone();
  [[nodiscard]] bool is_before_loss() const;
  void skip_loss();
  void add_gap(const ShardRow& row, std::int64_t first, const Tail& gone, Gap::Reason reason = Gap::Reason::trimmed);
  void follow_closings();
  void note_end(const ShardRow& row);
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> asked_for(const BatchRow& row) const;
  [[nodiscard]] bool reached_end_of_shard() const;

  SQLite::Database& database_;
  const Paths& paths_;
  const WriterLock& lock_;
  const DatabaseFiles& files_;
  const LockWait& lock_wait_;
  const Clock& clock_;
  std::shared_ptr<CommitWatch> watch_;  ///< none if commits are not to wake it
  std::uint64_t seen_ = 0;              ///< of the commits that were noticed
  Configuration configuration_;
  ChosenShards chosen_;
  ShardEnds ends_;
  Tail tail_;
  std::int64_t last_batch_ = open_ended;  ///< where reading ends
  std::optional<Tail> end_;               ///< behind that batch, where retention may take it first
  std::optional<Cut> until_cut_;          ///< of this shard nothing from this record on
  std::optional<Timestamp> until_;
  std::vector<Gap> gaps_;    ///< to be told with the next result
  bool at_horizon_ = false;  ///< reading begins; a shard without a sequence number with whatever is there by then
  bool ended_ = false;
  std::optional<Error> damage_;  ///< to be thrown once all before it is delivered
  BatchWalk walk_;
  SQLite::Statement version_;
  SQLite::Statement gone_;
};

}  // namespace shardlog::sqlite
