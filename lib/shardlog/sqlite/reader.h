#pragma once

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
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/payload.h"
#include "shardlog/sqlite/seek.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/shard_ends.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/writer_lock.h"

namespace shardlog::sqlite {

/// Reads batches in commit order. To find missing rows, it keeps a Tail, which checks that the sequence numbers of each
/// shard continue. If it reads only a few shards, only their numbers are checked. Rows may be missing only before the
/// trim horizon of the same transaction. The reader reports them as gaps, and expired batches too.
///
/// A segment is unlinked once no snapshot that begins later can name it. So if the one that a snapshot names is gone,
/// the next snapshot decides: either the batch was trimmed, which is a gap, or it is still there, which is damage.
class SqliteReader final : public Reader {
 public:
  /// All references must outlive it. With a `watch`, commits wake it. `known` is a configuration that was loaded
  /// earlier: if it is still the newest, it is not loaded again. All readers of a stream share what they have `seen`.
  /// `segments` is nullptr if the stream has none.
  SqliteReader(Database& database, const Paths& paths, const WriterLock& lock, const DatabaseFiles& files,
               const SegmentFiles* segments, const LockWait& lock_wait, const Clock& clock,
               std::shared_ptr<CommitWatch> watch, const Configuration& known, std::shared_ptr<SeenBatches> seen,
               const ReadRequest& request);

  ReadResult next(std::size_t budget) override;
  [[nodiscard]] capacity::Limits limits() const override { return configuration_.settings.limits; }
  bool wait(Duration timeout, std::stop_token stop) override;

 private:
  static constexpr std::int64_t open_ended = std::numeric_limits<std::int64_t>::max();

  ReadResult next_unnamed(std::size_t budget);
  void resolve(const ReadRequest& request, std::int64_t durable_batch);
  void resolve_start(const ReadRequest& request, const Tail& horizon);
  void resolve_end(const ReadRequest& request, const Tail& horizon, std::int64_t durable_batch);
  void end_at(Boundary end);
  std::vector<FetchedBatch> fetch(std::size_t budget);
  std::optional<FetchedBatch> next_wanted();
  std::optional<FetchedBatch> read_again(PayloadReader& payloads);
  void check_end(const std::optional<DurableMark>& mark);
  void follow_map();
  void skip_what_is_gone();
  [[nodiscard]] bool is_before_loss() const;
  void skip_loss();
  void go_to(Tail tail);
  void add_gap(const ShardRow& row, std::int64_t first, const Tail& gone, Gap::Reason reason = Gap::Reason::trimmed);
  void add_gap(ShardId shard, std::int64_t first, std::int64_t end, Gap::Reason reason);
  void follow_closings();
  void note_end(const ShardRow& row);
  [[nodiscard]] std::int64_t before_cut(std::int64_t shard, std::int64_t sequence) const;
  [[nodiscard]] bool reached_end_of_shard() const;

  Database& database_;
  const Paths& paths_;
  const WriterLock& lock_;
  const DatabaseFiles& files_;
  const LockWait& lock_wait_;
  const Clock& clock_;
  std::shared_ptr<CommitWatch> watch_;  ///< null if commits must not wake it
  std::uint64_t seen_ = 0;              ///< how many commits it has noticed
  Configuration configuration_;
  ChosenShards chosen_;
  ShardEnds ends_;
  Tail tail_;
  std::int64_t last_batch_ = open_ended;  ///< where reading ends
  std::optional<Tail> end_;               ///< the tail after that batch, if retention may remove it first
  std::optional<Cut> until_cut_;          ///< nothing of this shard from this record on
  std::optional<Timestamp> until_;
  std::vector<Gap> gaps_;  ///< for the next result
  bool at_horizon_ =
      false;  ///< nothing was read yet: shards without a start of their own begin with what is still there
  bool ended_ = false;
  bool at_tail_ = false;  ///< after the last fetch
  std::optional<SegmentReader> segments_;
  bool pin_lines_;
  std::optional<FetchedBatch> unread_;  ///< its segment was gone; the tail has passed it
  std::optional<Error> damage_;         ///< thrown once everything before it is delivered
  BatchWalk walk_;
  Prepared version_;
  Prepared gone_;
};

}  // namespace shardlog::sqlite
