#include "support/memory_log.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "shardlog/capacity/reading.h"
#include "shardlog/core/passed.h"
#include "shardlog/core/utf8.h"
#include "shardlog/core/uuid.h"

namespace shardlog::test {

namespace {

constexpr std::uint64_t numbers_a_batch = max_batch_records;

ShardMap first_map(std::uint32_t count, Timestamp now) {
  if (count < 1 || count > max_shards) {
    throw Error(ErrorCode::usage, std::to_string(count) + " shards: a stream has 1 to " + std::to_string(max_shards));
  }
  std::vector<Shard> shards;
  for (const HashRange& range : even_ranges(count)) {
    shards.push_back({ShardId(static_cast<std::uint32_t>(shards.size())), range, now});
  }
  return {1, std::move(shards)};
}

void check_capabilities(const StreamSettings& settings, const MemoryTraits& traits) {
  const bool is_bounded = settings.max_bytes != unbounded || settings.until_consumed;
  require(traits.capabilities.limits || settings.limits == capacity::Limits(), "limits", traits.capabilities);
  require(traits.capabilities.bounds || !is_bounded, "bounds", traits.capabilities);
}

RecordBatch decoded(std::string_view payload) {
  Bytes copy(payload.size());
  std::memcpy(copy.data(), payload.data(), payload.size());
  return RecordBatch::decode(std::move(copy));
}

}  // namespace

MemoryTraits like_sqlite() {
  return {};
}

MemoryTraits unlike_sqlite() {
  MemoryTraits traits;
  Capabilities& can = traits.capabilities;
  can.engine = "memory-apart";
  can.survives = Capabilities::Survives::process_end;
  can.atomic_append = can.ordered_over_shards = can.dense_numbers = can.latest_has_number = false;
  can.ordered_arrivals = can.keeps_arrivals = false;
  can.producers = can.exact_counts = can.groups = can.bounds = can.repairs = can.limits = can.metrics = false;
  traits.knows_processes = false;
  return traits;
}

std::uint64_t number_of(const SequenceNumber& sequence) {
  const std::string& digits = sequence.to_string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() ? number : std::numeric_limits<std::uint64_t>::max();
}

MemoryLog::MemoryLog(const CreateOptions& options, MemoryTraits traits, Timestamp now)
    : traits_(std::move(traits)),
      uuid_(make_uuid()),
      created_at_(now),
      settings_(options.settings),
      attributes_(options.attributes),
      map_(first_map(options.shards, now)) {
  check_capabilities(settings_, traits_);
  check(settings_);
  check(attributes_);
  for (const Shard& shard : map_.shards()) shards_.emplace(shard.id, MemoryShard());
}

const MemoryShard& MemoryLog::shard(ShardId id) const {
  return shards_.at(map_.at(id).id);
}

StreamDescription MemoryLog::describe() const {
  StreamDescription description{uuid_, 1, created_at_, settings_, map_, appended_, last_arrival_};
  description.attributes = attributes_;
  return description;
}

Intake MemoryLog::intake(ShardId id, Timestamp time) const {
  Intake intake;
  for (const MemoryArrival& arrival : arrivals_) {
    if (arrival.shard != id || arrival.arrived_at >= time) continue;
    ++intake.records;
    intake.bytes += arrival.size;
    if (arrival.begins_append) ++intake.appends;
  }
  return intake;
}

std::uint64_t MemoryLog::held() const {
  std::uint64_t bytes = 0;
  for (const MemoryBatch& batch : batches_) bytes = std::accumulate(batch.sizes.begin(), batch.sizes.end(), bytes);
  return bytes;
}

void MemoryLog::trim_first() {
  trim(batches_.front().shard, batches_.front().numbers.back() + 1);
}

void MemoryLog::trim_passed(const std::function<bool()>& wanted) {
  std::vector<Consumer> all;
  for (const auto& [name, consumer] : consumers) all.push_back(consumer);
  const Passed passed(map_, all);
  const auto is_passed = [&](const MemoryBatch& batch) {
    return passed.up_to(batch.shard, SequenceNumber(batch.numbers.back()));
  };
  while (wanted() && !batches_.empty() && is_passed(batches_.front())) trim_first();
}

std::optional<Outcome> MemoryLog::make_room(std::uint64_t bytes) {
  const std::uint64_t most = settings_.max_bytes;
  if (most == unbounded || bytes == 0) return std::nullopt;
  if (bytes > most) return Refused{ErrorCode::malformed, "more than the stream holds"};
  const auto is_full = [&] { return held() + bytes > most; };
  while (settings_.when_full == WhenFull::trim && is_full()) trim_first();
  trim_passed(is_full);
  if (!is_full()) return std::nullopt;
  return NoRoom{settings_.when_full, held(), most};
}

void MemoryLog::expire(Timestamp now) {
  if (settings_.until_consumed) trim_passed([] { return true; });
  const auto expired = expiry(settings_.retention, now);
  if (!expired) return;
  std::set<ShardId> stopped;  // the first batch that stays keeps all after it in its shard
  const auto batches = std::move(batches_);
  batches_.clear();
  for (const MemoryBatch& batch : batches) {
    bool is_expired = !stopped.contains(batch.shard);
    for (std::size_t i = 0; i < batch.numbers.size(); ++i) is_expired = is_expired && batch.arrivals[i] < *expired;
    batches_.push_back(batch);
    if (is_expired) {
      trim(batch.shard, batch.numbers.back() + 1);
    } else {
      stopped.insert(batch.shard);
    }
  }
}

void MemoryLog::trim(ShardId id, std::uint64_t number) {
  MemoryShard& shard = mutable_shard(id);
  for (const MemoryBatch& batch : batches_) {
    for (std::size_t i = 0; batch.shard == id && i < batch.numbers.size(); ++i) {
      if (batch.numbers[i] < shard.readable || batch.numbers[i] >= number) continue;
      ++shard.trimmed_records;
      shard.trimmed_bytes += batch.sizes[i];
      shard.last_trimmed = std::max(shard.last_trimmed, batch.arrivals[i]);
    }
  }
  shard.readable = std::max(shard.readable, number);
  std::erase_if(batches_,
                [&](const MemoryBatch& batch) { return batch.shard == id && batch.numbers.back() < shard.readable; });
}

std::uint64_t MemoryLog::first_number(ShardId id) const {
  const MemoryShard& shard = shards_.at(id);
  return traits_.capabilities.dense_numbers ? shard.next : (appended_ + 1) * numbers_a_batch;
}

Arrivals MemoryLog::arrivals_of(const RoutedBatch& batch, std::size_t count, Timestamp now) const {
  if (traits_.capabilities.ordered_arrivals) {
    Timestamp arrived_at = batch.arrived_at.value_or(now);
    const Shard& shard = map_.at(batch.shard);
    if (batch.arrived_at && shard.parent) arrived_at = std::max(arrived_at, shard.opened_at);
    return Arrivals(std::max(std::min(arrived_at, now), last_arrival_.value_or(Timestamp::min())));
  }
  const Timestamp first = appended_ % 2 == 0 ? now : now - std::chrono::milliseconds(1);
  std::vector<Timestamp> each;
  for (std::size_t i = 0; i < count; ++i) each.push_back(first + Duration(static_cast<Duration::rep>(i)));
  return Arrivals(std::move(each));
}

Stored MemoryLog::store(const RoutedBatch& batch, Timestamp now) {
  const std::size_t count = batch.batch.record_count;
  std::vector<std::uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), first_number(batch.shard));
  const Arrivals arrivals = arrivals_of(batch, count, now);
  std::vector<SequenceNumber> listed;
  for (const std::uint64_t number : numbers) listed.emplace_back(number);
  take(batch, {batch.shard, std::move(numbers), arrivals, std::string(batch.batch.payload.view()), {}});
  return {SequenceRun(std::move(listed)), arrivals};
}

StoredInPart MemoryLog::store_part(const RoutedBatch& batch, StoredInPart wanted, Timestamp now) {
  const std::uint64_t first = first_number(batch.shard);
  const Arrivals all = arrivals_of(batch, batch.batch.record_count, now);
  const RecordBatch given = decoded(batch.batch.payload.view());
  std::vector<Record> records;
  std::vector<std::uint64_t> numbers;
  std::vector<Timestamp> arrivals;
  std::size_t index = 0;
  for (const Record& record : given) {
    if (auto* const place = std::get_if<StoredInPart::Record>(&wanted.records.at(index))) {
      *place = {SequenceNumber(first + index), all[index]};
      records.push_back(record);
      numbers.push_back(first + index);
      arrivals.push_back(all[index]);
    }
    ++index;
  }
  if (records.empty()) return wanted;
  take(batch, {batch.shard,
               std::move(numbers),
               Arrivals(std::move(arrivals)),
               std::string(encode(records).payload.view()),
               {}});
  return wanted;
}

void MemoryLog::take(const RoutedBatch& batch, MemoryBatch stored) {
  for (const Record& record : decoded(stored.payload)) stored.sizes.push_back(record.size());
  mutable_shard(batch.shard).next = stored.numbers.back() + 1;
  for (std::size_t i = 0; i < stored.numbers.size(); ++i) {
    arrivals_.push_back({batch.shard, stored.arrivals[i], stored.sizes[i], stored_in_.insert(batch.shard).second});
    last_arrival_ = std::max(last_arrival_.value_or(Timestamp::min()), stored.arrivals[i]);
  }
  batches_.push_back(std::move(stored));
  ++appended_;
}

void MemoryLog::check_moves(std::span<const ProducerMove> moves) const {
  const auto is_text = [](const std::string& text) { return text.size() <= 256 && utf8_length(text); };
  std::map<ProducerId, std::optional<SequenceNumber>> at;
  for (const ProducerMove& move : moves) {
    if (move.id.name.empty() || !is_text(move.id.name) || !is_text(move.id.source) || move.to.proof.size() > 4096) {
      throw Error(ErrorCode::usage, "producer " + quote(move.id.name) + ": a name, source or proof out of bounds");
    }
    auto found = at.find(move.id);
    if (found == at.end()) {
      const auto stored = producers.find(move.id);
      const auto place = stored == producers.end() ? std::nullopt : std::optional(stored->second.position.sequence);
      found = at.emplace(move.id, place).first;
    }
    if (found->second != move.from) {
      throw Error(ErrorCode::fenced, "producer " + quote(move.id.name) + ": is not where it is expected");
    }
    found->second = move.to.sequence;
  }
}

void MemoryLog::move(std::span<const ProducerMove> moves, Timestamp now) {
  for (const ProducerMove& move : moves) producers.insert_or_assign(move.id, Producer{move.id, move.to, now});
}

std::optional<Throttled> MemoryLog::charge(std::span<const RoutedBatch> batches, const capacity::Moment& now) {
  if (!limits_writing()) return std::nullopt;
  const auto exhausted = capacity::charge(buckets_, price_of_writing(settings_.limits), step_of(batches), now);
  if (!exhausted) return std::nullopt;
  return Throttled{exhausted->records, exhausted->bytes, exhausted->retry_after};
}

capacity::Slice MemoryLog::reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid,
                                   const capacity::Moment& now) {
  if (!limits_writing()) return {.steps = steps.size()};
  const auto heirs = [this](ShardId id) { return capacity::heirs_of(map_, id); };
  return capacity::reserve(buckets_, heirs, price_of_writing(settings_.limits), steps, paid, now);
}

std::size_t MemoryLog::readers_of(ShardId shard) const {
  return static_cast<std::size_t>(std::ranges::count_if(consumers, [&](const auto& each) {
    return std::ranges::any_of(each.second.leases,
                               [&](const Lease& lease) { return lease.shard == shard && lease.owner.has_value(); });
  }));
}

void MemoryLog::top_up(std::span<ReadCapacity::Share> shares, const capacity::Moment& now) {
  if (!limits_reading()) return;
  for (ReadCapacity::Share& share : shares) {
    capacity::Bucket bucket = read_buckets_.load(share.shard);
    capacity::top_up(share.held, bucket, {share.since, readers_of(share.shard)}, now);
    read_buckets_.store(share.shard, bucket);
  }
}

void MemoryLog::give_back(std::span<const ReadCapacity::Share> shares, const capacity::Moment& now) {
  if (!limits_reading()) return;
  for (const ReadCapacity::Share& share : shares) {
    capacity::Bucket bucket = read_buckets_.load(share.shard);
    capacity::give_back(share.held, bucket, now);
    read_buckets_.store(share.shard, bucket);
  }
}

void MemoryLog::reshard(const ReshardStep& step, Timestamp now, const ValueChanges& changes,
                        const capacity::Moment& moment) {
  Attributes attributes = attributes_;
  change_values(attributes, changes);
  check(attributes);
  MemoryShard child;
  for (const ShardId parent : step.closes) child.begin = std::max(child.begin, shard(parent).next);
  child.next = child.readable = child.begin;
  map_ = apply(map_, step, std::max(now, last_arrival_.value_or(now)));
  std::vector<ShardId> children;
  for (const ReshardStep::Child& opened : step.opens) {
    shards_.emplace(opened.id, child);
    children.push_back(opened.id);
  }
  if (limits_writing()) capacity::hand_over(buckets_, step.closes, children, moment);
  attributes_ = std::move(attributes);
}

void MemoryLog::update(const SettingsChange& change, Timestamp now) {
  StreamSettings settings = settings_;
  Attributes attributes = attributes_;
  shardlog::apply(settings, change);
  change_values(attributes, change.attributes);
  check_capabilities(settings, traits_);
  check(attributes);
  settings_ = std::move(settings);
  attributes_ = std::move(attributes);
  expire(now);
}

}  // namespace shardlog::test
