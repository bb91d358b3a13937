#include "shardlog/consuming/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "shardlog/consuming/frontier.h"
#include "shardlog/consuming/owner_text.h"
#include "shardlog/core/nearest.h"
#include "shardlog/core/uuid.h"

namespace shardlog::consuming {

namespace {

// Each attempt is lost only to somebody whose change was made: a limit so that a defect does not make it endless.
constexpr int most_attempts = 1000;

void check_is_of_all_shards(const Position& position) {
  if (std::holds_alternative<AtSequence>(position) || std::holds_alternative<AfterSequence>(position)) {
    throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose one");
  }
}

std::string named(const std::string& name) {
  return "consumer " + quote(name);
}

/// Throws busy where the process of the lease's owner may be there.
void check_is_free(const std::string& name, const Lease& lease, Liveness& liveness) {
  if (!lease.owner || liveness.state_of(lease.owner->process) == Liveness::State::gone) return;
  throw Error(ErrorCode::busy, fmt::format("{}: {} is held by worker {}", named(name), lease.shard.to_string(),
                                           text_of(*lease.owner, liveness)));
}

[[noreturn]] void refuse_name(Stream& stream, const std::string& name) {
  std::vector<std::string> names;
  for (const Consumer& consumer : stream.leases().all()) names.push_back(consumer.name);
  throw Error(ErrorCode::not_found, named(name) + ": no such consumer" + what_there_is(name, names));
}

std::uint64_t highest_epoch(const std::vector<Lease>& leases) {
  std::uint64_t highest = 0;
  for (const Lease& lease : leases) highest = std::max(highest, lease.epoch);
  return highest;
}

/// Where a consumer is to begin. Latest without a number would be another place whenever it is looked for again, and
/// what came in between would be lost: then it is the time at which it was asked for.
std::vector<ShardPlace> places_of(Stream& stream, const Position& from, const std::vector<ShardId>& shards,
                                  const Clock& clock) {
  const Timestamp now = clock.now();  // before it is looked for
  std::vector<ShardPlace> places = stream.locate(from, shards);
  for (ShardPlace& place : places) {
    if (!place.next && !place.at_end && !place.not_before) place.not_before = now;
  }
  return places;
}

/// The consumer as it begins at `from`.
Consumer new_consumer(Stream& stream, const std::string& name, const Position& from, const Clock& clock) {
  // In this order: a shard that opens in between waits for its parents, which were not at their end.
  const auto places = places_of(stream, from, {}, clock);
  const ShardMap map = stream.describe().map;
  return {name, make_uuid(), 1, clock.now(), first_leases(map, from, places, 0, 1)};
}

/// Replaces the consumer by what `change` makes of it, until nobody else was faster. `change` is given nothing where
/// there is none.
void replace(Stream& stream, const std::string& name,
             const std::function<std::optional<Consumer>(const std::optional<Consumer>&)>& change) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto expected = stream.leases().find(name);
    if (stream.leases().replace(expected, change(expected))) return;
  }
  throw Error(ErrorCode::busy, named(name) + ": it is changed by others all the time");
}

}  // namespace

bool make_consumer(Stream& stream, const std::string& name, const Position& from, const Clock& clock) {
  check_consumer_name(name);
  check_is_of_all_shards(from);
  if (stream.leases().find(name)) return false;
  return stream.leases().replace(std::nullopt, new_consumer(stream, name, from, clock));
}

bool seek_consumer(Stream& stream, const std::string& name, const Position& to, const std::optional<ShardId>& shard,
                   SeekOptions options, const Clock& clock) {
  bool made = false;
  check_consumer_name(name);
  if (!shard) check_is_of_all_shards(to);
  replace(stream, name, [&](const std::optional<Consumer>& there) -> std::optional<Consumer> {
    if (!there && !options.make) refuse_name(stream, name);
    made = !there;
    if (!there && !shard) return new_consumer(stream, name, to, clock);
    Consumer changed = there ? *there : new_consumer(stream, name, TrimHorizon{}, clock);
    if (!options.force) {
      for (const Lease& lease : changed.leases) {
        if (!shard || lease.shard == *shard) check_is_free(name, lease, stream.liveness());
      }
    }
    if (there) ++changed.generation;
    const std::uint64_t epoch = highest_epoch(changed.leases) + 1;
    const auto places = places_of(stream, to, shard ? std::vector{*shard} : std::vector<ShardId>{}, clock);
    const ShardMap map = stream.describe().map;
    changed.leases = shard ? with_shard_at(map, std::move(changed.leases), to, places.at(0), epoch, changed.generation)
                           : first_leases(map, to, places, epoch, changed.generation);
    return changed;
  });
  return made;
}

Consumer find_consumer(Stream& stream, const std::string& name) {
  check_consumer_name(name);
  auto consumer = stream.leases().find(name);
  if (!consumer) refuse_name(stream, name);
  return std::move(*consumer);
}

void forget_consumer(Stream& stream, const std::string& name, bool force) {
  check_consumer_name(name);
  replace(stream, name, [&](const std::optional<Consumer>& there) -> std::optional<Consumer> {
    if (!there) refuse_name(stream, name);
    if (!force) {
      for (const Lease& lease : there->leases) check_is_free(name, lease, stream.liveness());
    }
    return std::nullopt;
  });
}

std::vector<std::string> check_consumers(Stream& stream) {
  std::vector<std::string> findings;
  const auto consumers = stream.leases().all();
  const ShardMap map = stream.describe().map;  // after the leases: it has all their shards
  for (const Consumer& each : consumers) {
    try {
      check_leases(map, each);
    } catch (const Error& error) {
      findings.emplace_back(error.what());
    }
  }
  return findings;
}

std::vector<ShardStart> starts_of(const Consumer& consumer) {
  std::vector<ShardStart> starts;
  for (const Lease& lease : consumer.leases) {
    if (const auto start = start_at(lease.shard, lease.checkpoint)) starts.push_back(*start);
  }
  return starts;
}

}  // namespace shardlog::consuming
