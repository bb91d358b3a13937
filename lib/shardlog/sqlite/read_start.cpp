#include "shardlog/sqlite/read_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>
#include <variant>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

namespace {

/// Each shard starts at a sequence number of its own, or at the horizon.
ReadStart find_each_start(Database& database, const Configuration& configuration, const ReadRequest& request,
                          const ChosenShards& chosen, const Tail& horizon) {
  std::map<std::int64_t, std::int64_t> firsts;
  for (const ShardRow& row : configuration.shards) {
    const std::int64_t shard = row.shard.id.number();
    if (!chosen.contains(shard)) continue;
    const std::int64_t wanted = chosen.first_wanted(shard, row.first_sequence);
    const std::int64_t there = horizon.next_sequence(row);
    if (request.strict && chosen.begins_at_number(shard) && wanted < there) {
      throw Error(ErrorCode::trimmed,
                  fmt::format("sequence number {} of {} is trimmed: the first one that is not trimmed is {}", wanted,
                              row.shard.id.to_string(), there));
    }
    firsts.emplace(shard, std::max(wanted, there));
  }
  return {.tail = seek_sequences(database, configuration, horizon, firsts, chosen.few(configuration)).tail,
          .at_horizon = true};
}

void check_time_is_there(const ChosenShards& chosen, const Tail& horizon, Timestamp time) {
  for (const ShardTail& tail : horizon.shards()) {
    if (chosen.contains(tail.shard) && tail.last_arrival && *tail.last_arrival >= time) {
      throw Error(ErrorCode::trimmed, fmt::format("records that arrived at {} or later are trimmed, up to {}",
                                                  to_rfc3339(time), to_rfc3339(*tail.last_arrival)));
    }
  }
}

}  // namespace

std::vector<ShardStart> pinned(Database& database, const Configuration& configuration,
                               std::span<const ShardStart> starts, Timestamp now) {
  std::vector<ShardStart> result;
  for (const auto& [shard, position] : starts) {
    const ShardRow& row = known_shard(configuration, shard);
    const auto pin = [&](const auto& from) -> decltype(ShardStart::from) {
      using From = std::decay_t<decltype(from)>;
      if constexpr (std::is_same_v<From, Beginning>) {
        return AtSequence{SequenceNumber(static_cast<std::uint64_t>(row.first_sequence)), from.not_before};
      } else if constexpr (std::is_same_v<From, Latest> || std::is_same_v<From, AtTime>) {
        const LocatedStart found = locate(database, configuration, from, {row.shard.id}, now).at(0);
        return AtSequence{*found.next, found.not_before};
      } else {
        return from;
      }
    };
    result.push_back({shard, std::visit(pin, position)});
  }
  return result;
}

void check_positions(const ReadRequest& request) {
  const bool from_number = request.starts.empty() && sequence_of(request.from);
  const bool until_number = request.until && sequence_of(*request.until);
  const std::size_t listed = request.starts.empty() ? request.shards.size() : request.starts.size();
  if ((from_number || until_number) && listed != 1) {
    throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose one");
  }
}

ReadStart find_start(Database& database, const Configuration& configuration, const ReadRequest& request,
                     const ChosenShards& chosen, const Tail& horizon) {
  if (!request.starts.empty() || sequence_of(request.from)) {
    return find_each_start(database, configuration, request, chosen, horizon);
  }
  ReadStart start{.tail = horizon};
  if (std::holds_alternative<Latest>(request.from)) {
    TailScan(database).catch_up(configuration, start.tail);
    return start;
  }
  if (const auto* at = std::get_if<AtTime>(&request.from)) {
    start.tail = seek_time(database, configuration, horizon, at->time);
    if (request.strict) check_time_is_there(chosen, horizon, at->time);
  } else if (const auto* newest = std::get_if<LastRecords>(&request.from)) {
    Boundary found = seek_last(
        database, configuration, horizon, newest->count, [&](std::int64_t shard) { return chosen.contains(shard); },
        chosen.few(configuration));
    start.tail = std::move(found.tail);
    start.cut = found.cut;
  }
  start.at_horizon = start.tail.batch() == horizon.batch();
  return start;
}

std::vector<LocatedStart> locate(Database& database, const Configuration& configuration, const Position& position,
                                 const std::vector<ShardId>& shards, Timestamp now) {
  ReadRequest request;
  request.shards = shards;
  request.from = position;
  request.strict = sequence_of(position).has_value();
  check_positions(request);
  ChosenShards chosen(request, configuration);
  const Tail horizon = readable_start(database, configuration, now);
  const ReadStart start = find_start(database, configuration, request, chosen, horizon);
  if (start.cut) chosen.begin_at(start.cut->shard, start.cut->sequence);
  Tail end = horizon;  // not start.tail, which may be right for the chosen shards only
  TailScan(database).catch_up(configuration, end);
  const auto* const at = std::get_if<AtTime>(&position);
  std::vector<LocatedStart> places;
  for (const ShardRow& row : configuration.shards) {
    const std::int64_t shard = row.shard.id.number();
    if (!chosen.contains(shard)) continue;
    const std::int64_t next = chosen.first_wanted(shard, start.tail.next_sequence(row));
    const bool at_end = !row.shard.open() && next >= end.next_sequence(row);
    places.push_back({row.shard.id, SequenceNumber(static_cast<std::uint64_t>(next)), at_end});
    // After the end of a shard its children go on, and they may have records from before that time too.
    if (at != nullptr && (at_end || start.tail.batch() == end.batch())) places.back().not_before = at->time;
  }
  return places;
}

}  // namespace shardlog::sqlite
