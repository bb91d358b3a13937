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

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

std::int64_t number_of(const SequenceNumber& sequence) {
  return parse_number<std::int64_t>(sequence.to_string()).value_or(largest);
}

struct SequenceOf {
  std::optional<std::int64_t> operator()(const AtSequence& at) const { return number_of(at.sequence); }
  std::optional<std::int64_t> operator()(const AfterSequence& after) const {
    return std::min(number_of(after.sequence), largest - 1) + 1;
  }
  template <typename OfAllShards>
  std::optional<std::int64_t> operator()(const OfAllShards& /*position*/) const {
    return std::nullopt;
  }
};

}  // namespace

std::optional<std::int64_t> sequence_of(const Position& position) {
  return std::visit(SequenceOf(), position);
}

std::optional<std::int64_t> sequence_of(const ShardStart& start) {
  return std::visit(SequenceOf(), start.from);
}

const ShardRow& known_shard(const Configuration& configuration, ShardId shard) {
  const bool is_there = shard.number() < configuration.shards.size();
  return configuration.shards[is_there ? shard.number() : configuration.map().at(shard).id.number()];
}

ChosenShards::ChosenShards(const ReadRequest& request, const Configuration& configuration)
    : descendants_(request.descendants) {
  const auto choose = [&](ShardId shard) {
    return listed_.insert(known_shard(configuration, shard).shard.id.number()).second;
  };
  for (const ShardStart& start : request.starts) {
    if (!choose(start.shard)) throw Error(ErrorCode::usage, start.shard.to_string() + " is listed twice");
    const auto* const at = std::get_if<AtSequence>(&start.from);
    const Timestamp not_before = at != nullptr ? at->not_before.value_or(Timestamp::min()) : Timestamp::min();
    if (const auto sequence = sequence_of(start)) begins_[start.shard.number()] = {*sequence, true, not_before};
  }
  if (request.starts.empty()) {
    for (const ShardId shard : request.shards) choose(shard);
    if (const auto sequence = sequence_of(request.from)) begins_[request.shards.front().number()] = {*sequence, true};
    if (const auto* const at = std::get_if<AtTime>(&request.from)) not_before_ = at->time;
  }
  shards_ = listed_;
  follow(configuration);
}

void ChosenShards::follow(const Configuration& configuration) {
  if (!descendants_ || shards_.empty()) return;
  // Children have higher ids than their parents, so one pass finds them all.
  for (const ShardRow& row : configuration.shards) {
    const std::int64_t shard = row.shard.id.number();
    Timestamp earliest = Timestamp::max();  // the earliest not_before() of its parents
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

}  // namespace shardlog::sqlite
