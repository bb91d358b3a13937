#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "shardlog/consuming/batches.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// Reads shards that come and go, each from a place of its own, by one Reader, which is made anew whenever they change.
class ShardReader {
 public:
  static constexpr std::size_t piece_bytes = 4UL * 1024 * 1024;  ///< read from the stream at once

  struct Mode {
    bool follow = false;
    bool notice = true;  ///< be woken by commits
  };

  /// Without follow `ends` says where each shard ends; one that is not there is not read.
  ShardReader(Stream& stream, Mode mode, const std::optional<std::vector<ShardPlace>>& ends);

  void add(ShardId shard, const Checkpoint& start);
  void remove(ShardId shard);

  /// Adds the next piece to `batches`; false where nothing came.
  bool read(Batches& batches, Duration now);

  /// Whether there was nothing more, when following.
  [[nodiscard]] bool at_tail() const { return at_tail_; }
  /// Whether there may be more: not at the tail, or somebody waited since.
  [[nodiscard]] bool may_have_more() const { return !at_end() && (!at_tail_ || has_waited_); }
  /// Whether nothing more will come.
  [[nodiscard]] bool at_end() const { return !mode_.follow && reading_.empty(); }

  /// The shards, not removed yet, that are closed and read.
  [[nodiscard]] std::vector<ShardId> ended() const { return {ended_.begin(), ended_.end()}; }

  /// When following: until something is committed, as Reader::wait().
  bool wait(Duration time, const std::stop_token& stop);

 private:
  std::unique_ptr<Reader> make_reader();
  bool take(StoredBatch stored, Batches& batches, Duration now);

  Stream& stream_;
  Mode mode_;
  std::map<ShardId, std::optional<SequenceNumber>> ends_;  // before which number each shard is read
  std::map<ShardId, Checkpoint> reading_;                  // where each shard is read on from
  std::set<ShardId> ended_;
  std::unique_ptr<Reader> reader_;  // nothing where it is to be made anew
  std::unique_ptr<Notice> notice_;  // for when nothing is read
  bool at_tail_ = false;
  bool has_waited_ = false;
};

}  // namespace shardlog::consuming
