#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// The record that a position of one shard stands before; nothing for other positions.
std::optional<std::int64_t> sequence_of(const Position& position);
std::optional<std::int64_t> sequence_of(const ShardStart& start);

/// The shards of a read, and which of them it begins at a record of their own.
class ChosenShards {
 public:
  /// All.
  ChosenShards() = default;

  /// REQUIRES: its starts are pinned
  /// Those that the request lists, and the descendants that there are. Throws not_found where one is not there, and
  /// usage where one is listed twice.
  ChosenShards(const ReadRequest& request, const Configuration& configuration);

  /// Takes in descendants that have come, where the request wants them. Of a shard that begins at a sequence number
  /// they are read from their very beginning, otherwise with whatever is there.
  void follow(const Configuration& configuration);

  /// True for any shard where none is listed.
  [[nodiscard]] bool contains(std::int64_t shard) const { return shards_.empty() || shards_.contains(shard); }
  /// Those that are listed, and their descendants; none where all are chosen.
  [[nodiscard]] const std::set<std::int64_t>& shards() const { return shards_; }
  /// These where they are fewer than half of all, so that it costs less to look for their batches than to pass all
  /// others; otherwise none.
  [[nodiscard]] std::set<std::int64_t> few(const Configuration& configuration) const {
    return 2 * shards_.size() < configuration.shards.size() ? shards_ : std::set<std::int64_t>();
  }
  /// Whether they are listed, and all closed.
  [[nodiscard]] bool all_closed(const Configuration& configuration) const;

  /// From now on nothing before this record of the shard is wanted.
  void begin_at(std::int64_t shard, std::int64_t sequence) { begins_[shard] = {sequence, false}; }
  /// The first record at `sequence` or behind it that is wanted of the shard.
  [[nodiscard]] std::int64_t first_wanted(std::int64_t shard, std::int64_t sequence) const;
  /// Whether the request says where the shard begins by a sequence number: all that retention took behind that is
  /// missed.
  [[nodiscard]] bool begins_at_number(std::int64_t shard) const;
  /// Records of the shard that arrived before this time are not wanted.
  [[nodiscard]] Timestamp not_before(std::int64_t shard) const;

 private:
  struct Begin {
    std::int64_t sequence = 0;
    bool by_number = false;
    Timestamp not_before = Timestamp::min();
  };

  bool descendants_ = false;
  Timestamp not_before_ = Timestamp::min();  ///< of all
  std::set<std::int64_t> listed_;
  std::set<std::int64_t> shards_;  ///< with descendants; empty means all
  std::map<std::int64_t, Begin> begins_;
};

}  // namespace shardlog::sqlite
