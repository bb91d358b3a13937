#include "shardlog/consuming/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "shardlog/consuming/assignment.h"
#include "shardlog/consuming/frontier.h"
#include "shardlog/core/nearest.h"
#include "shardlog/core/threads.h"
#include "shardlog/core/uuid.h"

namespace shardlog::consuming {

namespace {

// An attempt fails only if another process changed the consumer first. The limit keeps a defect from looping for ever.
constexpr int most_attempts = 1000;

void check_is_of_all_shards(const Position& position) {
  if (std::holds_alternative<AtSequence>(position) || std::holds_alternative<AfterSequence>(position)) {
    throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose a shard");
  }
}

std::string named(const std::string& name) {
  return "consumer " + quote(name);
}

bool is_same_holder(const Lease& a, const Lease& b) {
  return a.shard == b.shard && a.owner == b.owner && a.epoch == b.epoch && a.counter == b.counter;
}

/// The leases whose owners stood still for as long as these leases last: their owners have lost them. Waits that long
/// only if nothing is known about each owner that a lease has: otherwise nothing comes of it. If `shard` is given, only
/// its lease counts.
std::vector<Lease> find_abandoned(Stream& stream, const std::string& name, const std::optional<ShardId>& shard) {
  constexpr int looks = 6;  // an outage of the servers makes a look late, but does not count
  const auto consumer = stream.leases().find(name);
  std::vector<Lease> still;
  Duration time{0};
  for (const Lease& lease : consumer ? consumer->leases : std::vector<Lease>()) {
    if (!lease.owner || (shard && lease.shard != *shard)) continue;
    const Liveness::State state = stream.liveness().state_of(lease.owner->process);
    if (state == Liveness::State::alive) return {};
    if (state == Liveness::State::gone) continue;
    still.push_back(lease);
    time = std::max(time, lease.owner->lease_duration);
  }
  for (int look = 0; look < looks && !still.empty(); ++look) {
    sleep_for((time + Duration(looks - 1)) / looks, {});
    const auto now = stream.leases().find(name);
    if (!now) return {};
    for (const Lease& lease : still) {
      const Lease* const found = find_lease(now->leases, lease.shard);
      const bool has_moved = found != nullptr && found->owner && !is_same_holder(*found, lease);
      if (has_moved) return {};
    }
  }
  return still;
}

/// Throws busy if a lease has an owner whose process is not gone, and that has not abandoned it. If `shard` is given,
/// only its lease counts.
void check_are_free(const Consumer& consumer, const std::optional<ShardId>& shard, const std::vector<Lease>& abandoned,
                    Liveness& liveness) {
  for (const Lease& lease : consumer.leases) {
    if (!lease.owner || (shard && lease.shard != *shard)) continue;
    if (liveness.state_of(lease.owner->process) == Liveness::State::gone) continue;
    if (std::ranges::any_of(abandoned, [&](const Lease& each) { return is_same_holder(each, lease); })) continue;
    throw Error(ErrorCode::busy, fmt::format("{}: {} is held by worker {}", named(consumer.name),
                                             lease.shard.to_string(), text_of(*lease.owner, liveness)));
  }
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

/// Where a consumer must begin. If the engine cannot pin Latest as a number, Latest becomes the time of this call.
/// Otherwise Latest would be a later position the next time that it is located: the records in between would be lost.
std::vector<LocatedStart> locate(Stream& stream, const Position& from, const std::vector<ShardId>& shards,
                                 const Clock& clock) {
  const Timestamp now = clock.now();  // before the stream is asked
  std::vector<LocatedStart> starts = stream.locate(from, shards);
  for (LocatedStart& start : starts) {
    if (!start.next && !start.at_end && !start.not_before) start.not_before = now;
  }
  return starts;
}

/// The consumer as it begins at `from`.
Consumer new_consumer(Stream& stream, const std::string& name, const Position& from, const Clock& clock) {
  // In this order: a shard that opens between the two calls has no start, and so waits for its parents.
  const auto starts = locate(stream, from, {}, clock);
  const ShardMap map = stream.describe().map;
  return {name, make_uuid(), 1, clock.now(), first_leases(map, from, starts, 0, 1)};
}

/// Replaces the consumer by what `change` returns for it. If another process changes the consumer first, tries again.
/// `change` is given nullopt if there is no such consumer.
void replace(Stream& stream, const std::string& name,
             const std::function<std::optional<Consumer>(const std::optional<Consumer>&)>& change) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto expected = stream.leases().find(name);
    if (stream.leases().replace(expected, change(expected))) return;
  }
  throw Error(ErrorCode::busy, named(name) + ": other processes keep changing it");
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
  const auto abandoned = options.force ? std::vector<Lease>() : find_abandoned(stream, name, shard);
  replace(stream, name, [&](const std::optional<Consumer>& there) -> std::optional<Consumer> {
    if (!there && !options.make) refuse_name(stream, name);
    made = !there;
    if (!there && !shard) return new_consumer(stream, name, to, clock);
    Consumer changed = there ? *there : new_consumer(stream, name, TrimHorizon{}, clock);
    if (!options.force) check_are_free(changed, shard, abandoned, stream.liveness());
    if (there) ++changed.generation;
    const std::uint64_t epoch = highest_epoch(changed.leases) + 1;
    const auto starts = locate(stream, to, shard ? std::vector{*shard} : std::vector<ShardId>{}, clock);
    const ShardMap map = stream.describe().map;
    changed.leases = shard ? with_shard_at(map, std::move(changed.leases), to, starts.at(0), epoch, changed.generation)
                           : first_leases(map, to, starts, epoch, changed.generation);
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
  const auto abandoned = force ? std::vector<Lease>() : find_abandoned(stream, name, std::nullopt);
  replace(stream, name, [&](const std::optional<Consumer>& there) -> std::optional<Consumer> {
    if (!there) refuse_name(stream, name);
    if (!force) check_are_free(*there, std::nullopt, abandoned, stream.liveness());
    return std::nullopt;
  });
}

std::vector<std::string> check_consumers(Stream& stream) {
  std::vector<std::string> findings;
  const auto consumers = stream.leases().all();
  const ShardMap map = stream.describe().map;  // after the leases, so that it has all their shards
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
