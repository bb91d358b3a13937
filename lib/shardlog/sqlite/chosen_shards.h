#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// The sequence number of the first record after a position in one shard; nullopt for other positions. A number larger
/// than any that this engine gives out becomes the largest possible one.
std::optional<std::int64_t> sequence_of(const Position& position);
std::optional<std::int64_t> sequence_of(const ShardStart& start);

/// Throws not_found, listing the shards that exist.
const ShardRow& known_shard(const Configuration& configuration, ShardId shard);

/// The shards of a read, and which of them start at a record of their own.
class ChosenShards {
 public:
  /// All shards.
  ChosenShards() = default;

  /// The shards that the request lists, and those of their descendants that exist. Throws not_found if a listed shard
  /// does not exist, and usage if one is listed twice. REQUIRES: the request's starts are pinned
  ChosenShards(const ReadRequest& request, const Configuration& configuration);

  /// Adds descendants that have been opened since, if the request wants them. They are read from their very beginning
  /// if their parent starts at a sequence number, otherwise from what is still there.
  void follow(const Configuration& configuration);

  /// True for every shard if none is listed.
  [[nodiscard]] bool contains(std::int64_t shard) const { return shards_.empty() || shards_.contains(shard); }
  /// The listed shards and their descendants; empty if all are chosen.
  [[nodiscard]] const std::set<std::int64_t>& shards() const { return shards_; }
  /// The same shards if they are fewer than half of all shards, otherwise empty. If they are few, looking up their
  /// batches costs less than passing the batches of all others.
  [[nodiscard]] std::set<std::int64_t> few(const Configuration& configuration) const {
    return 2 * shards_.size() < configuration.shards.size() ? shards_ : std::set<std::int64_t>();
  }
  /// Whether shards are listed, and all of them are closed.
  [[nodiscard]] bool all_closed(const Configuration& configuration) const;

  /// From now on, records of the shard before this sequence number are not wanted.
  void begin_at(std::int64_t shard, std::int64_t sequence) { begins_[shard] = {sequence}; }
  /// The first wanted record of the shard with this number or a larger one.
  [[nodiscard]] std::int64_t first_wanted(std::int64_t shard, std::int64_t sequence) const {
    return std::max(sequence, begin_of(shard).sequence);
  }
  /// Whether the request starts the shard at a sequence number. Then every trimmed record from that number on counts as
  /// missed.
  [[nodiscard]] bool begins_at_number(std::int64_t shard) const { return begin_of(shard).by_number; }
  /// Records of the shard that arrived before this time are not wanted.
  [[nodiscard]] Timestamp not_before(std::int64_t shard) const {
    return std::max(not_before_, begin_of(shard).not_before);
  }

 private:
  struct Begin {
    std::int64_t sequence = 0;
    bool by_number = false;
    Timestamp not_before = Timestamp::min();
  };

  [[nodiscard]] Begin begin_of(std::int64_t shard) const {
    const auto found = begins_.find(shard);
    return found == begins_.end() ? Begin() : found->second;
  }

  bool descendants_ = false;
  Timestamp not_before_ = Timestamp::min();  ///< for all shards
  std::set<std::int64_t> listed_;
  std::set<std::int64_t> shards_;  ///< with descendants; empty means all
  std::map<std::int64_t, Begin> begins_;
};

}  // namespace shardlog::sqlite
