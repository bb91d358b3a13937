#include "shardlog/sqlite/chosen_shards.h"

#include <algorithm>
#include <limits>
#include <string>
#include <variant>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

/// Numbers beyond all that this engine gives are as good as the largest.
std::int64_t number_of(const SequenceNumber& sequence) {
  return parse_number<std::int64_t>(sequence.to_string()).value_or(std::numeric_limits<std::int64_t>::max());
}

/// The record before which such a position stands; nothing at the trim horizon and others that are of all shards.
struct SequenceOf {
  std::optional<std::int64_t> operator()(const AtSequence& at) const { return number_of(at.sequence); }
  std::optional<std::int64_t> operator()(const AfterSequence& after) const {
    return std::min(number_of(after.sequence), std::numeric_limits<std::int64_t>::max() - 1) + 1;
  }
  template <typename OfAllShards>
  std::optional<std::int64_t> operator()(const OfAllShards& /*position*/) const {
    return std::nullopt;
  }
};

/// Throws not_found, with the shards that there are.
std::int64_t known_shard(const Configuration& configuration, ShardId shard) {
  const auto& shards = configuration.shards;
  const auto found = std::lower_bound(shards.begin(), shards.end(), shard,
                                      [](const ShardRow& row, ShardId id) { return row.shard.id < id; });
  const bool is_there = found != shards.end() && found->shard.id == shard;
  return is_there ? shard.number() : configuration.map().at(shard).id.number();
}

}  // namespace

std::optional<std::int64_t> sequence_of(const Position& position) {
  return std::visit(SequenceOf(), position);
}

std::optional<std::int64_t> sequence_of(const ShardStart& start) {
  return std::visit(SequenceOf(), start.from);
}

ChosenShards::ChosenShards(const ReadRequest& request, const Configuration& configuration)
    : descendants_(request.descendants) {
  const auto choose = [&](ShardId shard) { return listed_.insert(known_shard(configuration, shard)).second; };
  for (const auto& [shard, from] : request.starts) {
    if (!choose(shard)) throw Error(ErrorCode::usage, shard.to_string() + " is listed twice");
    if (const auto sequence = std::visit(SequenceOf(), from)) begins_[shard.number()] = {*sequence, true};
    const auto* const at = std::get_if<AtSequence>(&from);
    if (at != nullptr && at->not_before) begins_[shard.number()].not_before = *at->not_before;
  }
  if (request.starts.empty()) {
    for (const ShardId shard : request.shards) choose(shard);
    if (const auto sequence = sequence_of(request.from)) begins_[request.shards.front().number()] = {*sequence, true};
  }
  if (const auto* const at = std::get_if<AtTime>(&request.from); at != nullptr && request.starts.empty()) {
    not_before_ = at->time;
  }
  shards_ = listed_;
  follow(configuration);
}

void ChosenShards::follow(const Configuration& configuration) {
  if (!descendants_ || shards_.empty()) return;
  // Children have higher ids than their parents, so one pass finds them all.
  for (const ShardRow& row : configuration.shards) {
    const std::int64_t shard = row.shard.id.number();
    Timestamp earliest = Timestamp::max();  // of what its parents want
    for (const auto& parent : {row.shard.parent, row.shard.adjacent_parent}) {
      if (!parent || !shards_.contains(parent->number()) || listed_.contains(shard)) continue;
      shards_.insert(shard);
      if (begins_at_number(parent->number())) {
        earliest = std::min(earliest, not_before(parent->number()));
        begins_[shard] = {row.first_sequence, true, earliest};
      }
    }
  }
}

bool ChosenShards::all_closed(const Configuration& configuration) const {
  return !shards_.empty() && std::none_of(shards_.begin(), shards_.end(), [&](std::int64_t shard) {
    return shard_of(configuration, shard).shard.open();
  });
}

std::int64_t ChosenShards::first_wanted(std::int64_t shard, std::int64_t sequence) const {
  const auto found = begins_.find(shard);
  return found == begins_.end() ? sequence : std::max(sequence, found->second.sequence);
}

Timestamp ChosenShards::not_before(std::int64_t shard) const {
  const auto found = begins_.find(shard);
  return found == begins_.end() ? not_before_ : std::max(not_before_, found->second.not_before);
}

bool ChosenShards::begins_at_number(std::int64_t shard) const {
  const auto found = begins_.find(shard);
  return found != begins_.end() && found->second.by_number;
}

}  // namespace shardlog::sqlite
