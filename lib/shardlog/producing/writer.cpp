#include "shardlog/producing/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/threads.h"

namespace shardlog::producing {

RecordNotStored over_limit(const Throttled& throttled) {
  return {ErrorCode::busy, throttled.records ? "over the shard's limit of records a second"
                                             : "over the shard's limit of bytes a second"};
}

Throttled throttled_by(const capacity::Slice& slice) {
  return {slice.count_exhausted || !slice.bytes_exhausted, slice.bytes_exhausted, slice.wait};
}

namespace {

RecordNotStored reason_of(const Sealed& /*sealed*/) {
  return {ErrorCode::busy, "its shard was closed"};
}

RecordNotStored reason_of(const Throttled& throttled) {
  return over_limit(throttled);
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
    return RecordStored{stored.shard_of(index, shard), stored.sequences[index], stored.arrivals[index]};
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
      limits_(description.settings.limits),
      router_(description.map, description.turn),
      sync_(sync),
      most_at_once_(most_at_once(description.settings)),
      on_new_map_(std::move(on_new_map)) {}

Written Writer::store(Packed packed, std::span<const ProducerMove> moves, const std::stop_token& stop,
                      const OnNoRoom& on_no_room, Ahead ahead) {
  Written written;
  written.packed = std::move(packed);
  const std::size_t count = written.packed.batches.size();
  if (count == 0 && moves.empty()) return written;
  written.packed.deal(router_);
  if (limited()) {
    if (const auto throttled = wait_for_capacity(written, stop)) {
      written.outcomes.assign(count, *throttled);
      return written;
    }
  }
  return store_all(std::move(written), {.moves = moves, .reserved = limited(), .ahead = std::move(ahead)}, stop,
                   on_no_room);
}

void Writer::learn_limits() {
  limits_ = stream_.describe().settings.limits;
}

capacity::Step Writer::deal(Packed& packed) {
  for (const std::size_t run : packed.runs) {
    RoutedBatch& batch = packed.batches[run];
    const std::uint64_t size = batch.batch.data_bytes + batch.batch.record_count;
    if (stretch_ && fits(*stretch_, batch.batch)) {
      router_.deal_to(stretch_->shard, size);
    } else {
      stretch_ = Stretch{router_.deal(size)};
    }
    stretch_->records += batch.batch.record_count;
    stretch_->bytes += batch.batch.data_bytes;
    batch.shard = map().open_shards()[stretch_->shard];
  }
  return step_of(packed.batches);
}

/// Whether the run and those before it are 100 ms' worth together.
bool Writer::fits(const Stretch& stretch, const EncodedBatch& run) const {
  const auto is_within = [](std::uint64_t sum, const std::optional<std::uint64_t>& limit) {
    return !limit || sum * 10 <= *limit;
  };
  return is_within(stretch.records + run.record_count, limits_.write_records) &&
         is_within(stretch.bytes + run.data_bytes, limits_.write_bytes);
}

capacity::Slice Writer::reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid) {
  return stream_.write_capacity().reserve(steps, paid);
}

Written Writer::store_reserved(Packed packed, std::span<const ProducerMove> moves, std::span<const capacity::Step> next,
                               const capacity::Seconds& paid, const std::stop_token& stop, const OnNoRoom& on_no_room) {
  Written written;
  written.packed = std::move(packed);
  return store_all(std::move(written), {.moves = moves, .reserved = true, .next = next, .paid = paid}, stop,
                   on_no_room);
}

/// Reserves what the records need together, in instalments if that is more than a slice. Returns why they cannot be
/// stored if a stop was requested first.
std::optional<Throttled> Writer::wait_for_capacity(Written& written, const std::stop_token& stop) {
  const capacity::Step step = step_of(written.packed.batches);
  capacity::Slice slice;
  do {
    slice = reserve({&step, 1}, slice.instalment);
    if (slice.wait > Duration(0)) {
      written.throttled = true;
      sleep_for(slice.wait, stop);
    }
    if (slice.wait > Duration(0) && stop.stop_requested()) {
      return throttled_by(slice);
    }
  } while (slice.steps == 0);
  return std::nullopt;
}

/// Stores the batches, whose runs were dealt.
Written Writer::store_all(Written written, const Terms& terms, const std::stop_token& stop,
                          const OnNoRoom& on_no_room) {
  written.outcomes.assign(written.packed.batches.size(), Sealed{});  // not stored yet
  append(written, of_kind<Sealed>(written.outcomes), terms);
  WaitForRoom room;
  while (true) {
    if (!of_kind<Sealed>(written.outcomes).empty()) {
      route_sealed_again(written);
      append(written, of_kind<Sealed>(written.outcomes), terms);
    } else if (const Batches throttled = of_kind<Throttled>(written.outcomes); !throttled.empty()) {
      written.throttled = true;
      learn_limits();  // set since the stream was opened: next time, reserve
      if (stop.stop_requested()) return written;
      sleep_for(longest_wait(written.outcomes), stop);
      append(written, throttled, terms);
    } else if (const NoRoom* const no_room = waiting_of(written.outcomes)) {
      if (stop.stop_requested()) return written;
      if (on_no_room) on_no_room(*no_room);
      room.wait(stop);
      append(written, of_kind<NoRoom>(written.outcomes), terms);
    } else {
      return written;
    }
  }
}

/// Appends some of the batches, in parts, and notes their outcomes. After a part that is not stored, the others are not
/// tried, because the batches keep their order: they get the outcome of its last batch.
void Writer::append(Written& written, const Batches& batches, const Terms& terms) {
  std::span<const std::size_t> left(batches);
  do {
    const auto part = left.first(terms.moves.empty() ? part_of(written, left) : left.size());
    left = left.subspan(part.size());
    Terms of_part = terms;
    if (!left.empty()) of_part.next = {};  // the last part reserves what comes after all of them
    if (!left.empty()) of_part.ahead = {};
    append_part(written, part, of_part);
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

void Writer::append_part(Written& written, std::span<const std::size_t> batches, const Terms& terms) {
  std::vector<RoutedBatch>& all = written.packed.batches;
  if (batches.size() == all.size()) {
    written.outcomes = append(all, terms, written);
    return;
  }
  std::vector<RoutedBatch> some;
  some.reserve(batches.size());
  for (const std::size_t batch : batches) some.push_back(std::move(all[batch]));
  auto outcomes = append(some, terms, written);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    all[batches[i]] = std::move(some[i]);
    written.outcomes[batches[i]] = std::move(outcomes[i]);
  }
}

std::vector<Outcome> Writer::append(std::span<const RoutedBatch> batches, const Terms& terms, Written& written) {
  const AppendRequest request{batches, sync_, terms.moves, map().version(), terms.ahead};
  if (!terms.reserved) return stream_.append(request);
  WriteCapacity::Appended appended = stream_.write_capacity().append(request, terms.next, terms.paid);
  written.next = appended.next;
  return std::move(appended.outcomes);
}

/// Learns of a change of the stream.
void Writer::use(StreamDescription description) {
  if (on_new_map_) on_new_map_(description.map);
  limits_ = description.settings.limits;
  most_at_once_ = most_at_once(description.settings);
  stretch_.reset();
  router_ = Router(std::move(description.map), description.turn);
}

/// Routes by the current shard map: runs are dealt out anew as they are, batches whose shard is still open stay, and
/// the records of closed shards are packed again. Batches with another outcome stay as they are.
void Writer::route_sealed_again(Written& written) {
  use(stream_.describe());
  Written before = std::exchange(written, {});
  written.throttled = before.throttled;
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
