#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "shardlog/consuming/batches.h"
#include "shardlog/consuming/limited_reader.h"
#include "shardlog/consuming/read_allowance.h"
#include "shardlog/consuming/worker.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// Reads a changing set of shards, each from its own checkpoint, with one Reader that is made anew whenever the set
/// changes. Keeps to the limits of the stream, together with all that read for consumers.
class ShardReader {
 public:
  static constexpr std::size_t piece_bytes = 4UL * 1024 * 1024;  ///< read from the stream at once

  /// `ends`, without follow, says where the read of each shard ends; a shard without an end is not read. The options
  /// must outlive the reader.
  ShardReader(Stream& stream, const WorkerOptions& options, const Clock& clock,
              const std::optional<std::vector<LocatedStart>>& ends, LimitedReader::OnThrottled on_throttled);

  void add(ShardId shard, const Checkpoint& start);
  void remove(ShardId shard);

  /// Adds the next piece to `batches`. False if nothing came. If that is because of the limits, throttled_for() is not
  /// 0: read again after that time.
  bool read(Batches& batches, Duration now);
  [[nodiscard]] Duration throttled_for() const { return throttled_for_; }
  [[nodiscard]] bool is_throttled() const { return throttled_for_ > Duration(0); }

  /// What is measured: how many of the records are processed, and when it is added to the stream.
  ReadMeter& meter() { return meter_; }

  /// Gives up what is held of the shards' capacity. Read nothing more.
  void give_up_capacity() { allowance_->end(); }

  /// When following: whether the last read() found nothing.
  [[nodiscard]] bool at_tail() const { return at_tail_; }
  /// Whether read() may find more: not at the tail, or wait() was called since.
  [[nodiscard]] bool may_have_more() const { return !at_end() && (!at_tail_ || has_waited_); }
  /// Without follow: whether everything is read.
  [[nodiscard]] bool at_end() const { return !options_.follow && reading_.empty(); }

  /// Shards that are closed and read to their end, and not removed yet.
  [[nodiscard]] std::vector<ShardId> ended() const { return {ended_.begin(), ended_.end()}; }

  /// When following: waits for a commit, as Reader::wait().
  bool wait(Duration time, const std::stop_token& stop);

 private:
  void make_reader();
  bool take(StoredBatch stored, Batches& batches, Duration now);

  Stream& stream_;
  const WorkerOptions& options_;
  std::map<ShardId, std::optional<SequenceNumber>> ends_;  // the read of each shard stops before this number
  std::map<ShardId, Checkpoint> reading_;                  // where to go on in each shard
  std::set<ShardId> ended_;
  const Clock& clock_;
  LimitedReader::OnThrottled on_throttled_;
  std::unique_ptr<ReadAllowance> allowance_;
  ReadMeter meter_;
  std::optional<LimitedReader> reader_;  // absent if it must be made anew
  Duration throttled_for_{0};
  std::unique_ptr<Notice> notice_;  // for waiting while no shard is read
  bool at_tail_ = false;
  bool has_waited_ = false;
};

}  // namespace shardlog::consuming
