#include "shardlog/sqlite/appender.h"

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/schema.h"

namespace shardlog::sqlite {

namespace {

/// The most pages that an append writes. A payload of more than half a page has pages of its own, and smaller ones fill
/// at least half of each page. `others` is for the rest: an index row (which lists every shard), producers, and the
/// inner pages of the trees. `of_trimming` is what a step of trimming changes besides the horizon, which lists every
/// shard: the metrics, and the lists of free pages. What is in a segment already takes no page.
std::int64_t pages_of(std::span<const RoutedBatch> batches, bool in_segment, const Configuration& configuration) {
  constexpr std::size_t others = 12;
  constexpr std::size_t of_trimming = 32;
  constexpr std::size_t bytes_a_row = 100;
  constexpr std::size_t bytes_a_shard = 54;
  constexpr std::size_t bytes_a_bucket = 100;
  constexpr std::size_t bytes_a_stretch = Stretch::most_batches * sizeof(std::uint32_t);
  constexpr std::size_t half = page_size / 2;
  std::size_t small = configuration.shards.size() * bytes_a_shard + bytes_a_stretch;
  if (limits_writing(configuration)) small += configuration.shards.size() * bytes_a_bucket;
  const bool is_bounded = configuration.settings.max_bytes != unbounded;
  if (is_bounded) small += configuration.shards.size() * bytes_a_shard;
  std::size_t pages = is_bounded ? others + of_trimming : others;
  for (const RoutedBatch& batch : batches) {
    const std::size_t bytes = (in_segment ? 0 : batch.batch.payload.size()) + bytes_a_row;
    if (bytes > half) {
      pages += bytes / (page_size - 4) + 2;
    } else {
      small += bytes;
    }
  }
  return static_cast<std::int64_t>(pages + small / half + 1);
}

}  // namespace

Appender::Appender(Database& database, Committer& committer, const SegmentFiles* segments, Configuration configuration,
                   const Clock& clock)
    : database_(database),
      committer_(committer),
      clock_(clock),
      configuration_(std::move(configuration)),
      scan_(database),
      version_(database, std::string(select_configuration_version)),
      insert_(database, insert_into("batches")),
      room_(database) {
  if (segments != nullptr) segments_.emplace(database, committer, *segments);
}

std::vector<Outcome> Appender::append(const AppendRequest& request) {
  return store(
      request, [&] { return charge(request.batches); }, [] {});
}

WriteCapacity::Appended Appender::append_reserved(const AppendRequest& request, std::span<const capacity::Step> next,
                                                  const capacity::Seconds& paid) {
  capacity::Slice slice;
  auto outcomes = store(
      request, []() -> std::optional<Outcome> { return std::nullopt; },
      [&] {
        if (!next.empty()) slice = reserve_now(next, paid);
      });
  return {std::move(outcomes), slice};
}

capacity::Slice Appender::reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid) {
  capacity::Slice slice;
  // Not synced: if a power cut takes it back, the machine is a new one to the buckets anyway.
  committer_.commit(
      Sync::normal,
      [&] {
        learn_configuration();
        slice = reserve_now(steps, paid);
      },
      Told::nobody);
  return slice;
}

/// Stores the batches in one commit unless there is no room or `admit` refuses them, and does `and_then` in the same.
std::vector<Outcome> Appender::store(const AppendRequest& request, const Admit& admit,
                                     const std::function<void()>& and_then) {
  const std::span<const RoutedBatch> batches = request.batches;
  check_moves(request.moves);
  std::optional<std::vector<Outcome>> outcomes;
  std::span<const PayloadPlace> places;
  const auto change = [&] { outcomes = store_now(request, places, admit, and_then); };
  try {
    while (!outcomes) {
      if (segments_) places = segments_->stage(batches, request.ahead, configuration_.settings);
      committer_.commit(request.sync, change, Told::followers, pages_of(batches, !places.empty(), configuration_));
    }
  } catch (const Error& error) {
    forget(error.code() == ErrorCode::full || error.code() == ErrorCode::fenced);
    throw;
  } catch (...) {
    forget(false);
    throw;
  }
  if (segments_) segments_->end_ahead();
  const bool stored = !outcomes->empty() && std::holds_alternative<Stored>(outcomes->front());
  if (segments_ && stored) segments_->stored(batches);
  return std::move(*outcomes);
}

/// After an error. What is known in memory may be ahead of the database.
void Appender::forget(bool nothing_stored) {
  tail_ = Tail();
  if (segments_) segments_->failed(nothing_stored);
}

/// In a transaction. Returns nullopt if it has made some of the room that the batches need, or if their segment is no
/// longer theirs: do it again. The batches are charged for when there is room, so that a writer does not pay while it
/// waits for room.
std::optional<std::vector<Outcome>> Appender::store_now(const AppendRequest& request,
                                                        std::span<const PayloadPlace> places, const Admit& admit,
                                                        const std::function<void()>& and_then) {
  const std::span<const RoutedBatch> batches = request.batches;
  catch_up();
  if (!all_open(batches)) return std::vector<Outcome>(batches.size(), Sealed{});
  const Timestamp now = clock_.now();
  const auto lacking = room_.make(configuration_, tail_, batches, now);
  made_room_ = made_room_ || room_.made_some();
  if (lacking) {
    committer_.tell_nobody();
    if (room_.made_some()) return std::nullopt;
    return std::vector<Outcome>(batches.size(), *lacking);
  }
  if (const auto refusal = admit()) return std::vector<Outcome>(batches.size(), *refusal);
  if (!places.empty() && !segments_->claim(tail_.batch() + std::ssize(batches))) return std::nullopt;
  if (places.empty() && segments_ && segments_->let_go_if_trimmed()) made_room_ = true;
  std::vector<Outcome> outcomes = insert_all(request, places, now);
  and_then();
  return outcomes;
}

std::vector<Outcome> Appender::insert_all(const AppendRequest& request, std::span<const PayloadPlace> places,
                                          Timestamp now) {
  if (!request.moves.empty()) producers().move(request.moves, std::max(now, tail_.last_arrival()));
  std::vector<bool> stored_in(configuration_.shards.size());  // by the shards' numbers
  std::vector<Outcome> outcomes;
  outcomes.reserve(request.batches.size());
  for (const RoutedBatch& batch : request.batches) {
    std::vector<bool>::reference is_stored_in = stored_in[batch.shard.number()];
    const PayloadPlace* const place = places.empty() ? nullptr : &places[outcomes.size()];
    outcomes.emplace_back(insert(batch, place, arrival_of(batch, now), !is_stored_in));
    is_stored_in = true;
  }
  committer_.reaches({tail_.batch(), tail_.numbers()});
  return outcomes;
}

/// Throttled if nobody has reserved the batches and a shard has no capacity left.
std::optional<Outcome> Appender::charge(std::span<const RoutedBatch> batches) {
  if (batches.empty() || !limits_writing(configuration_)) return std::nullopt;
  const capacity::Price price = price_of_writing(configuration_.settings.limits);
  const auto exhausted = capacity::charge(buckets(), price, step_of(batches), moment_of(clock_));
  if (!exhausted) return std::nullopt;
  return Throttled{exhausted->records, exhausted->bytes, exhausted->retry_after};
}

capacity::Slice Appender::reserve_now(std::span<const capacity::Step> steps, const capacity::Seconds& paid) {
  if (!limits_writing(configuration_)) return {.steps = steps.size()};
  const auto heirs = [this](ShardId shard) {
    if (shard_of(configuration_, shard.number()).shard.open()) return std::vector{shard};
    return capacity::heirs_of(configuration_.map(), shard);
  };
  const capacity::Price price = price_of_writing(configuration_.settings.limits);
  return capacity::reserve(buckets(), heirs, price, steps, paid, moment_of(clock_));
}

CapacityTable& Appender::buckets() {
  if (!buckets_) buckets_.emplace(database_, CapacityTable::Use::writing);
  return *buckets_;
}

bool Appender::all_open(std::span<const RoutedBatch> batches) const {
  return std::all_of(batches.begin(), batches.end(), [this](const RoutedBatch& batch) {
    return shard_of(configuration_, batch.shard.number()).shard.open();
  });
}

Producers& Appender::producers() {
  if (!producers_) producers_.emplace(database_);
  return *producers_;
}

void Appender::learn_configuration() {
  if (!refresh(configuration_, database_, version_, Access::write)) return;
  tail_ = Tail();  // a repair of the clock changes arrivals
}

void Appender::catch_up() {
  learn_configuration();
  scan_.catch_up(configuration_, tail_);
}

/// Follows the rules of Stream::append(). Shards without parents were opened when the stream was made. Copied records
/// in them may have arrived before that, because they may be older than this stream.
Timestamp Appender::arrival_of(const RoutedBatch& batch, Timestamp now) const {
  Timestamp arrived_at = batch.arrived_at.value_or(now);
  const Shard& shard = shard_of(configuration_, batch.shard.number()).shard;
  if (batch.arrived_at && shard.parent) arrived_at = std::max(arrived_at, shard.opened_at);
  return std::max(std::min(arrived_at, now), tail_.last_arrival());
}

Stored Appender::insert(const RoutedBatch& batch, const PayloadPlace* place, Timestamp arrived_at, bool begins_append) {
  if (tail_.index_due()) {
    write_index_row(database_, tail_);
    tail_.index_written();
  }
  const EncodedBatch& encoded = batch.batch;
  const ShardRow& shard = shard_of(configuration_, batch.shard.number());
  const BatchRow row{.id = tail_.batch() + 1,
                     .shard = batch.shard.number(),
                     .first_sequence = tail_.next_sequence(shard),
                     .record_count = encoded.record_count,
                     .arrived_at = arrived_at,
                     .data_bytes = static_cast<std::int64_t>(encoded.data_bytes),
                     .begins_append = begins_append,
                     .payload_checksum = payload_checksum(encoded.payload.view())};
  if (place != nullptr) {
    insert_row(row, place->encode(row));
  } else {
    insert_row(row, encoded.payload.view());
  }
  tail_.advance(row, shard);
  return {SequenceRun::dense(static_cast<std::uint64_t>(row.first_sequence), encoded.record_count),
          Arrivals(row.arrived_at)};
}

void Appender::insert_row(const BatchRow& row, std::string_view payload) {
  bind_batch_row(insert_, row);
  insert_.bindNoCopy(10, static_cast<const void*>(payload.data()), static_cast<int>(payload.size()));
  // A failed statement must be reset before its next use, and must not be left standing inside the transaction.
  try {
    insert_.exec();
  } catch (...) {
    insert_.tryReset();
    throw;
  }
  insert_.reset();
}

}  // namespace shardlog::sqlite
