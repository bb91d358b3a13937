#include "shardlog/producing/writer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "shardlog/core/threads.h"
#include "shardlog/producing/route_again.h"

namespace shardlog::producing {

namespace {

RecordNotStored reason_of(const Sealed& /*sealed*/) {
  return {ErrorCode::busy, "its shard was closed"};
}

RecordNotStored reason_of(const Throttled& throttled) {
  return {ErrorCode::busy, throttled.records ? "over the shard's records a second" : "over the shard's bytes a second"};
}

RecordNotStored reason_of(const Refused& refused) {
  return {refused.code, refused.reason};
}

RecordNotStored reason_of(const Unknown& unknown) {
  return {ErrorCode::io, unknown.reason};
}

/// Of one record of a batch.
struct OfRecord {
  ShardId shard;
  std::uint32_t index;

  RecordOutcome operator()(const Stored& stored) const {
    return RecordStored{shard, stored.sequences[index], stored.arrivals[index]};
  }
  RecordOutcome operator()(const StoredInPart& stored) const { return std::visit(*this, stored.records[index]); }
  RecordOutcome operator()(const StoredInPart::Place& place) const {
    return RecordStored{shard, place.sequence, place.arrived_at};
  }
  template <typename NotStored>
  RecordOutcome operator()(const NotStored& not_stored) const {
    return reason_of(not_stored);
  }
};

/// The first reason why not all of a batch is stored.
struct Fault {
  std::optional<RecordNotStored> operator()(const Stored& /*stored*/) const { return std::nullopt; }
  std::optional<RecordNotStored> operator()(const StoredInPart::Place& /*place*/) const { return std::nullopt; }
  std::optional<RecordNotStored> operator()(const StoredInPart& stored) const {
    for (const auto& record : stored.records) {
      if (auto fault = std::visit(*this, record)) return fault;
    }
    return std::nullopt;
  }
  template <typename NotStored>
  std::optional<RecordNotStored> operator()(const NotStored& not_stored) const {
    return reason_of(not_stored);
  }
};

template <typename Kind>
std::vector<std::size_t> of_kind(const std::vector<Outcome>& outcomes) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (std::holds_alternative<Kind>(outcomes[i])) found.push_back(i);
  }
  return found;
}

Duration longest_wait(const std::vector<Outcome>& outcomes) {
  Duration longest{0};
  for (const Outcome& outcome : outcomes) {
    if (const auto* const throttled = std::get_if<Throttled>(&outcome))
      longest = std::max(longest, throttled->retry_after);
  }
  return longest;
}

}  // namespace

RecordOutcome Written::of(const Place& place) const {
  return std::visit(OfRecord{packed.batches[place.batch].shard, place.index}, outcomes[place.batch]);
}

void Written::check() const {
  for (const Outcome& outcome : outcomes) {
    if (const auto fault = std::visit(Fault{}, outcome)) throw Error(fault->code, "append: " + fault->reason);
  }
}

Writer::Writer(Stream& stream, const StreamDescription& description, Sync sync, OnNewMap on_new_map)
    : stream_(stream), router_(description.map, description.turn), sync_(sync), on_new_map_(std::move(on_new_map)) {}

Written Writer::store(Packed packed, std::span<const ProducerMove> moves, const std::stop_token& stop) {
  Written written;
  written.packed = std::move(packed);
  const std::size_t count = written.packed.batches.size();
  written.origins.resize(count);
  std::iota(written.origins.begin(), written.origins.end(), std::size_t{0});
  if (count == 0 && moves.empty()) return written;
  written.packed.deal(router_);
  written.outcomes.assign(count, Sealed{});  // not stored yet
  append(written, written.origins, moves);
  while (true) {
    if (!of_kind<Sealed>(written.outcomes).empty()) {
      route_sealed_again(written);
      append(written, of_kind<Sealed>(written.outcomes), moves);
    } else if (const Batches throttled = of_kind<Throttled>(written.outcomes); !throttled.empty()) {
      if (stop.stop_requested()) return written;
      sleep_for(longest_wait(written.outcomes), stop);
      append(written, throttled, moves);
    } else {
      return written;
    }
  }
}

/// Appends some of the batches, and notes what became of them.
void Writer::append(Written& written, const Batches& batches, std::span<const ProducerMove> moves) {
  std::vector<RoutedBatch>& all = written.packed.batches;
  if (batches.size() == all.size()) {
    written.outcomes = stream_.append({all, sync_, moves, map().version()});
    return;
  }
  std::vector<RoutedBatch> some;
  some.reserve(batches.size());
  for (const std::size_t batch : batches) some.push_back(std::move(all[batch]));
  auto outcomes = stream_.append({some, sync_, moves, map().version()});
  for (std::size_t i = 0; i < batches.size(); ++i) {
    all[batches[i]] = std::move(some[i]);
    written.outcomes[batches[i]] = std::move(outcomes[i]);
  }
}

/// By the shard map as it is now. What is stored stays as it is.
void Writer::route_sealed_again(Written& written) {
  StreamDescription description = stream_.describe();
  if (on_new_map_) on_new_map_(description.map);
  router_ = Router(std::move(description.map), description.turn);
  Written before = std::exchange(written, {});
  Rerouted rerouted = route_again(std::move(before.packed), before.outcomes, router_);
  written.packed = std::move(rerouted.packed);
  for (const std::size_t origin : rerouted.origins) {
    written.outcomes.push_back(before.outcomes[origin]);
    written.origins.push_back(before.origins[origin]);
  }
}

}  // namespace shardlog::producing
