#include "shardlog/producing/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/threads.h"

namespace shardlog::producing {

namespace {

RecordNotStored reason_of(const Sealed& /*sealed*/) {
  return {ErrorCode::busy, "its shard was closed"};
}

RecordNotStored reason_of(const Throttled& throttled) {
  return {ErrorCode::busy, throttled.records ? "over the shard's records a second" : "over the shard's bytes a second"};
}

RecordNotStored reason_of(const NoRoom& no_room) {
  return {ErrorCode::full,
          fmt::format("the stream holds {} bytes of at most {}: it is full", no_room.held, no_room.most)};
}

RecordNotStored reason_of(const Refused& refused) {
  return {refused.code, refused.reason};
}

RecordNotStored reason_of(const Unknown& unknown) {
  return {ErrorCode::io, unknown.reason};
}

/// The outcome of one record of a batch.
struct OfRecord {
  ShardId shard;
  std::uint32_t index;

  RecordOutcome operator()(const Stored& stored) const {
    return RecordStored{shard, stored.sequences[index], stored.arrivals[index]};
  }
  RecordOutcome operator()(const StoredInPart& stored) const { return std::visit(*this, stored.records[index]); }
  RecordOutcome operator()(const StoredInPart::Record& record) const {
    return RecordStored{shard, record.sequence, record.arrived_at};
  }
  template <typename NotStored>
  RecordOutcome operator()(const NotStored& not_stored) const {
    return reason_of(not_stored);
  }
};

/// The indexes of the batches with this kind of outcome.
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

/// Why a batch waits for room; nullptr if none does.
const NoRoom* waiting_of(const std::vector<Outcome>& outcomes) {
  for (const Outcome& outcome : outcomes) {
    const auto* const no_room = std::get_if<NoRoom>(&outcome);
    if (no_room != nullptr && no_room->when_full != WhenFull::reject) return no_room;
  }
  return nullptr;
}

/// Looks for room again and again, because a consumer's progress wakes nobody (LeaseStore::change). Soon at first, so
/// that a small buffer is not left empty for long.
class WaitForRoom {
 public:
  void wait(const std::stop_token& stop) {
    sleep_for(pause_, stop);
    pause_ = std::min(2 * pause_, Duration(longest));
  }

 private:
  static constexpr Duration longest = std::chrono::milliseconds(100);

  Duration pause_ = std::chrono::milliseconds(1);
};

/// Routes the records of a batch by `map`. The places are in the order of its records.
Packed repack(RoutedBatch batch, const ShardMap& map) {
  const RecordBatch records = RecordBatch::decode(std::move(batch.batch.payload));
  Packer packer(map, records.compression(), true);
  packer.set_arrival(batch.arrived_at);
  packer.set_input_bytes(records.lines().size());
  for (const Record& record : records) packer.add(record);
  packer.flush();
  return packer.take();
}

/// The batch as it is, with the places of its records.
Packed whole(RoutedBatch batch, bool is_run) {
  Packed packed;
  for (std::uint32_t i = 0; i < batch.batch.record_count; ++i) packed.places.push_back({0, i});
  if (is_run) packed.runs.push_back(0);
  packed.batches.push_back(std::move(batch));
  return packed;
}

}  // namespace

RecordOutcome Written::of(const Place& place) const {
  return std::visit(OfRecord{packed.batches[place.batch].shard, place.index}, outcomes[place.batch]);
}

void Written::check() const {
  for (std::uint32_t batch = 0; batch < outcomes.size(); ++batch) {
    if (std::holds_alternative<Stored>(outcomes[batch])) continue;
    const auto* const part = std::get_if<StoredInPart>(&outcomes[batch]);
    const std::size_t differing = part != nullptr ? part->records.size() : 1;
    for (std::uint32_t i = 0; i < differing; ++i) {
      const RecordOutcome record = of({batch, i});
      if (const auto* const fault = std::get_if<RecordNotStored>(&record)) {
        throw Error(fault->code, "append: " + fault->reason);
      }
    }
  }
}

Writer::Writer(Stream& stream, const StreamDescription& description, Sync sync, OnNewMap on_new_map)
    : stream_(stream),
      router_(description.map, description.turn),
      sync_(sync),
      most_at_once_(most_at_once(description.settings)),
      on_new_map_(std::move(on_new_map)) {}

Written Writer::store(Packed packed, std::span<const ProducerMove> moves, const std::stop_token& stop,
                      const OnNoRoom& on_no_room) {
  Written written;
  written.packed = std::move(packed);
  const std::size_t count = written.packed.batches.size();
  if (count == 0 && moves.empty()) return written;
  written.packed.deal(router_);
  written.outcomes.assign(count, Sealed{});  // not stored yet
  append(written, of_kind<Sealed>(written.outcomes), moves);
  WaitForRoom room;
  while (true) {
    if (!of_kind<Sealed>(written.outcomes).empty()) {
      route_sealed_again(written);
      append(written, of_kind<Sealed>(written.outcomes), moves);
    } else if (const Batches throttled = of_kind<Throttled>(written.outcomes); !throttled.empty()) {
      if (stop.stop_requested()) return written;
      sleep_for(longest_wait(written.outcomes), stop);
      append(written, throttled, moves);
    } else if (const NoRoom* const no_room = waiting_of(written.outcomes)) {
      if (stop.stop_requested()) return written;
      if (on_no_room) on_no_room(*no_room);
      room.wait(stop);
      append(written, of_kind<NoRoom>(written.outcomes), moves);
    } else {
      return written;
    }
  }
}

/// Appends some of the batches, in parts, and notes their outcomes. After a part that is not stored, the others are not
/// tried, because the batches keep their order: they get the outcome of its last batch.
void Writer::append(Written& written, const Batches& batches, std::span<const ProducerMove> moves) {
  std::span<const std::size_t> left(batches);
  do {
    const auto part = left.first(moves.empty() ? part_of(written, left) : left.size());
    append_part(written, part, moves);
    left = left.subspan(part.size());
    if (left.empty()) return;
    const Outcome outcome = written.outcomes[part.back()];
    if (std::holds_alternative<Stored>(outcome) || std::holds_alternative<StoredInPart>(outcome)) continue;
    for (const std::size_t batch : left) written.outcomes[batch] = outcome;
    return;
  } while (true);
}

/// How many of the batches, at least one, to append at once.
std::size_t Writer::part_of(const Written& written, std::span<const std::size_t> batches) const {
  if (most_at_once_ == unbounded) return batches.size();
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  for (const std::size_t batch : batches) {
    bytes += written.packed.batches[batch].batch.data_bytes;
    if (count > 0 && bytes > most_at_once_) break;
    ++count;
  }
  return count;
}

void Writer::append_part(Written& written, std::span<const std::size_t> batches, std::span<const ProducerMove> moves) {
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

/// Routes by the current shard map: runs are dealt out anew as they are, batches whose shard is still open stay, and
/// the records of closed shards are packed again. Batches with another outcome stay as they are.
void Writer::route_sealed_again(Written& written) {
  StreamDescription description = stream_.describe();
  if (on_new_map_) on_new_map_(description.map);
  router_ = Router(std::move(description.map), description.turn);
  Written before = std::exchange(written, {});
  const auto& runs = before.packed.runs;
  std::vector<std::size_t> starts;  // of each old batch: where its records begin among the new places
  for (std::size_t old = 0; old < before.outcomes.size(); ++old) {
    RoutedBatch& batch = before.packed.batches[old];
    const bool sealed = std::holds_alternative<Sealed>(before.outcomes[old]);
    const bool is_run = sealed && std::binary_search(runs.begin(), runs.end(), old);
    const bool is_closed = sealed && !is_run && !map().at(batch.shard).open();
    Packed part = is_closed ? repack(std::move(batch), map()) : whole(std::move(batch), is_run);
    part.deal(router_);
    starts.push_back(written.packed.places.size());
    written.outcomes.insert(written.outcomes.end(), part.batches.size(), before.outcomes[old]);
    written.packed.append(std::move(part));
  }
  for (Place& place : before.packed.places) {
    if (place.batch != Place::not_packed) place = written.packed.places[starts[place.batch] + place.index];
  }
  written.packed.places = std::move(before.packed.places);
}

}  // namespace shardlog::producing
