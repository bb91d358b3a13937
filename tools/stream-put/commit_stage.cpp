#include "tools/stream-put/commit_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "shardlog/core/threads.h"
#include "shardlog/producing/join.h"
#include "tools/common/units.h"
#include "tools/input/why_full.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t commit_bytes = 16UL * 1024 * 1024;  // gathered for one commit if more is waiting
// Less data than this is not worth a commit while more is being encoded: a commit writes some 20 pages beside the
// records, and syncs twice.
constexpr std::uint64_t least_data = 8UL * 1024 * 1024;

/// How much data may be gathered before the next piece of the queue, which has at most most_at_once(): both together
/// fit into the stream.
std::uint64_t most_gathered(const StreamSettings& settings) {
  const std::uint64_t piece = most_at_once(settings);
  return piece == unbounded ? unbounded : std::min(piece, settings.max_bytes - piece);
}

/// Why the slice must be waited for, or is not all of the input.
std::string reason_of(const capacity::Slice& slice, const capacity::Limits& limits) {
  if (slice.count_exhausted && limits.write_records) {
    return fmt::format("each shard takes {} a second", format_count(*limits.write_records, "record"));
  }
  if (slice.bytes_exhausted && limits.write_bytes) {
    return fmt::format("each shard takes {} a second", format_size(*limits.write_bytes));
  }
  return "the capacity of a shard is used up";
}

/// Work that follows an append: out of memory, it must not look like an append that stored nothing.
template <typename Work>
void after_append(const Work& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::io, "acknowledge: out of memory");
  }
}

}  // namespace

CommitStage::CommitStage(Stream& stream, const StreamDescription& description, const PutCommand& command,
                         const std::vector<Producer>& stored, const Context& context,
                         producing::Writer::OnNewMap on_new_map, std::atomic<bool>& throttled)
    : stream_(stream),
      on_demand_(stream, description, context.clock),
      writer_(stream, description, command.sync, std::move(on_new_map)),
      most_data_(most_gathered(description.settings)),
      command_(command),
      context_(context),
      started_(context.clock.elapsed()),
      recorder_(stream.metrics(), context.clock),
      why_throttled_(reason_of({.count_exhausted = true, .bytes_exhausted = true}, description.settings.limits)),
      throttled_(throttled) {
  if (piece_bounds(description.settings.limits).small()) joined_ = description.settings.compression;
  for (const Producer& producer : stored) positions_.emplace(producer.id.source, producer.position.sequence);
}

void CommitStage::run(BoundedQueue<Encoded>& queue, InFlight& in_flight, Progress& progress) {
  Flow flow{queue, in_flight, progress};
  while (!writer_.limited()) {
    std::optional<Encoded> ready = take_ready(flow);
    if (!ready) return;
    // What is held already goes to the commits after this one, and was not written yet.
    const bool may_look = held_.empty() && !command_.rate;
    finish(flow, *ready, store(*ready, progress, may_look ? [&] { return look_ahead(queue); } : Ahead()));
  }
  while (auto piece = pop_held()) take_in(std::move(*piece));
  store_slices(flow);
}

/// Waits for a piece; nothing at the end of the input. What was measured is written before that, or meanwhile, when it
/// is due.
std::optional<Encoded> CommitStage::next(BoundedQueue<Encoded>& queue) {
  for (Duration due = recorder_.until_due(); due < Duration::max(); due = recorder_.until_due()) {
    if (due > Duration(0) && queue.wait_for(due)) break;
    recorder_.write_if_due();
  }
  return queue.pop();
}

/// Everything that is ready, up to a bound, as one. If that is little, and more of the input is being encoded, waits
/// for it.
std::optional<Encoded> CommitStage::take_ready(Flow& flow) {
  std::optional<Encoded> ready = held_.empty() ? next(flow.queue) : pop_held();
  while (ready && ready->bytes < commit_bytes && ready->data_bytes <= most_data_ && !ready->error) {
    std::optional<Encoded> more = held_.empty() ? flow.queue.try_pop() : pop_held();
    const bool waits = !command_.rate && ready->data_bytes < least_data && flow.in_flight.more_than(ready->chunks);
    if (!more && waits) more = flow.queue.pop();
    if (!more) break;
    if (!go_together(*ready, *more)) {
      held_.push_front(std::move(*more));
      break;
    }
    ready->append(std::move(*more));
  }
  return ready;
}

/// Takes one more piece for the next commit, and returns its payloads; nothing if that has enough, or none comes soon.
/// In another thread than the rest, which waits for the disk then.
std::vector<std::string_view> CommitStage::look_ahead(BoundedQueue<Encoded>& queue) {
  constexpr Duration soon = std::chrono::milliseconds(2);
  std::vector<std::string_view> payloads;
  if (held_bytes() >= commit_bytes) return payloads;
  if (std::optional<Encoded> piece = queue.pop_for(soon)) {
    for (const RoutedBatch& each : piece->packed.batches) payloads.push_back(each.batch.payload.view());
    held_.push_back(std::move(*piece));
  }
  return payloads;
}

std::size_t CommitStage::held_bytes() const {
  std::size_t bytes = 0;
  for (const Encoded& piece : held_) bytes += piece.bytes;
  return bytes;
}

std::optional<Encoded> CommitStage::pop_held() {
  if (held_.empty()) return std::nullopt;
  std::optional<Encoded> piece(std::move(held_.front()));
  held_.pop_front();
  return piece;
}

/// Whether one commit can store both and move the producer. What has to be routed again may need a little more.
bool CommitStage::go_together(const Encoded& one, const Encoded& next) const {
  if (!command_.producer) return true;
  if (one.bytes + next.bytes > command_.largest_append - command_.largest_append / 8) return false;
  const auto is_new = [&](const auto& move) { return !one.moves.contains(move.first); };
  const auto added = static_cast<std::size_t>(std::ranges::count_if(next.moves, is_new));
  return one.moves.size() + added <= command_.sources_per_append;
}

void CommitStage::write_measures() {
  constexpr Duration short_run = std::chrono::seconds(1);
  if (was_throttled_ || context_.clock.elapsed() - started_ >= short_run) recorder_.write_at_end();
}

/// After `records` of these were stored.
void CommitStage::finish(const Flow& flow, const Encoded& encoded, std::uint64_t records) {
  flow.in_flight.remove(encoded.chunks);
  warn(encoded, flow.progress);
  flow.progress.add(records, encoded.input_bytes);
  if (encoded.error) throw Error(*encoded.error);
}

/// Stores under the limits of the stream, by the rules of capacity/writing.h.
void CommitStage::store_slices(Flow& flow) {
  while (gather(flow)) {
    if (!slice_) reserve();
    wait(flow);
    const capacity::Slice slice = *std::exchange(slice_, std::nullopt);
    paid_ = slice.instalment;
    if (slice.steps == 0) continue;  // the first piece is paid in instalments
    const bool fails = fails_;       // what is reserved while this slice is stored decides about the next one
    store_slice(flow, slice.steps);
    if (fails) throw Error(ErrorCode::busy, "append: " + why_throttled_);
  }
}

/// Waits for a piece of the input, and takes what is ready. Returns false at the end of the input.
bool CommitStage::gather(Flow& flow) {
  if (pending_.empty()) {
    std::optional<Encoded> piece = next(flow.queue);
    if (!piece) return false;
    take_in(std::move(*piece));
  }
  gather_what_is_ready(flow);
  return true;
}

void CommitStage::gather_what_is_ready(Flow& flow) {
  while (reads_on()) {
    std::optional<Encoded> piece = flow.queue.try_pop();
    if (!piece) return;
    take_in(std::move(*piece));
  }
}

/// A second's worth of each shard, the largest slice, is all that can be needed.
bool CommitStage::is_full() const {
  constexpr std::size_t pieces_a_shard = 110;
  return pending_.bytes() >= commit_bytes || pending_.size() >= pieces_a_shard * writer_.map().open_shards().size();
}

bool CommitStage::reads_on() const {
  return command_.on_throttle == OnThrottle::drop || !is_full();
}

void CommitStage::take_in(Encoded piece) {
  capacity::Step step = writer_.deal(piece.packed);
  count_sampled_out(piece, step);
  if (is_full() && command_.on_throttle == OnThrottle::drop) {
    count({&step, 1}, &metrics::ShardCounts::throttled);
    count({&step, 1}, &metrics::ShardCounts::dropped);
    return pending_.add_dropped(std::move(piece), "dropped: " + why_throttled_);
  }
  pending_.add(std::move(piece), std::move(step));
}

/// Counts those of the pieces from one index to another that are not counted yet.
void CommitStage::count_throttled(std::size_t first, std::size_t end) {
  first = std::max(first, counted_);
  if (end <= first) return;
  count(pending_.steps().subspan(first, end - first), &metrics::ShardCounts::throttled);
  counted_ = end;
}

/// Adds what the steps need to one kind of counts, as one call.
void CommitStage::count(std::span<const capacity::Step> steps, metrics::Counts metrics::ShardCounts::*kind) {
  std::map<ShardId, metrics::Counts> needs;
  for (const capacity::Step& step : steps) {
    for (const capacity::ShardNeed& need : step) needs[need.shard] += {need.records, need.bytes, 0};
  }
  if (needs.empty()) return;
  was_throttled_ = true;
  metrics::Measures& measures = recorder_.at(context_.clock.now());
  for (auto& [shard, counts] : needs) {
    counts.calls = 1;
    measures.shards[shard].*kind += counts;
  }
}

/// Nobody knows their shards, so they count for the one that gets the most of what they came with.
void CommitStage::count_sampled_out(const Encoded& piece, const capacity::Step& step) {
  if (piece.dropped == 0) return;
  const auto more = [](const auto& a, const auto& b) { return a.records < b.records; };
  const auto most = std::ranges::max_element(step, more);
  const ShardId shard = most == step.end() ? writer_.map().open_shards().front() : most->shard;
  const capacity::Step left_out{{shard, piece.dropped, piece.dropped_bytes}};
  count({&left_out, 1}, &metrics::ShardCounts::throttled);
  count({&left_out, 1}, &metrics::ShardCounts::dropped);
}

/// What those of the first pieces need that a bounded stream takes in one commit.
std::span<const capacity::Step> CommitStage::needs_at_once() const {
  return pending_.steps().first(pending_.fitting(most_data_));
}

void CommitStage::reserve() {
  if (pending_.need_nothing()) {
    slice_ = {.steps = pending_.size()};
  } else {
    leave(writer_.reserve(needs_at_once(), paid_));
  }
}

/// A slice is reserved: decides what becomes of the pieces that have come in and are not in it.
void CommitStage::leave(const capacity::Slice& slice) {
  slice_ = slice;
  earned_at_ = context_.clock.elapsed() + slice.wait;
  const bool waited = throttled_.exchange(slice.wait > Duration(0));
  const std::string before = why_throttled_;
  if (slice.count_exhausted || slice.bytes_exhausted) why_throttled_ = reason_of(slice, writer_.limits());
  if (throttled_ && (!waited || why_throttled_ != before)) {
    context_.detail("waiting for capacity: " + why_throttled_);
  }
  const bool is_begun = slice.instalment != capacity::Seconds{};
  const std::size_t kept = slice.steps + (is_begun ? 1 : 0);
  const bool takes_all = slice.steps >= needs_at_once().size();
  count_throttled(throttled_ ? 0 : slice.steps, needs_at_once().size());
  // Pieces that were not offered, because of the bound of the stream, stay for the next slice.
  if (takes_all || kept >= pending_.size()) return;
  if (command_.on_throttle == OnThrottle::drop) {
    count_throttled(kept, pending_.size());
    count(pending_.steps().subspan(kept), &metrics::ShardCounts::dropped);
    pending_.drop_from(kept, "dropped: " + why_throttled_);
    counted_ = kept;
  }
  fails_ = command_.on_throttle == OnThrottle::fail && pending_.records_from(kept) > 0;
}

/// Waits until what was reserved is earned, even if a stop is requested: what was read is stored.
void CommitStage::wait(Flow& flow) {
  Duration left = earned_at_ - context_.clock.elapsed();
  const bool goes_on_reading = command_.on_throttle == OnThrottle::drop || command_.on_throttle == OnThrottle::fail;
  for (; left > Duration(0); left = earned_at_ - context_.clock.elapsed()) {
    if (context_.stop.stop_requested()) tell_of_stop(flow);
    std::optional<Encoded> piece;
    if (goes_on_reading && reads_on()) piece = flow.queue.pop_for(left);
    if (piece) {
      take_in(std::move(*piece));
    } else {
      sleep_for(earned_at_ - context_.clock.elapsed(), told_of_stop_ ? std::stop_token() : context_.stop);
    }
  }
}

void CommitStage::tell_of_stop(const Flow& flow) {
  if (std::exchange(told_of_stop_, true)) return;
  flow.progress.clear();
  context_.warn("storing what was read, as fast as the limits of the stream allow; a second signal gives it up");
}

/// Stores the first pieces, and reserves a slice of those that have come in meanwhile.
void CommitStage::store_slice(Flow& flow, std::size_t pieces) {
  Encoded encoded = pending_.take(pieces);
  counted_ -= std::min(counted_, pieces);
  gather_what_is_ready(flow);
  if (joined_) encoded.packed = producing::join(std::move(encoded.packed), *joined_);
  finish(flow, encoded, store(encoded, flow.progress));
}

/// Returns the number of records that were stored.
std::uint64_t CommitStage::store(Encoded& encoded, Progress& progress, Ahead ahead) {
  const producing::Written written = append(encoded, progress, std::move(ahead));
  const Duration stored_at = context_.clock.elapsed();
  const std::uint64_t before = records_;
  after_append([&] {
    for (std::size_t i = 0; i < written.outcomes.size(); ++i) count(written.packed.batches[i], written.outcomes[i]);
    if (command_.ack) acknowledge(written, encoded.reasons);
    context_.output.flush();
  });
  try {
    measure(encoded, written, stored_at);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): the records are stored, measured or not
  }
  written.check();
  return records_ - before;
}

/// Measures how long the records took that were stored at this time.
void CommitStage::measure(const Encoded& encoded, const producing::Written& written, Duration stored_at) {
  const bool is_stored = !written.outcomes.empty() && std::holds_alternative<Stored>(written.outcomes.front());
  if (is_stored) {
    metrics::Histogram& put = recorder_.at(context_.clock.now()).put;
    for (const ReadAt& read : encoded.reads) put.add(stored_at - read.at, read.pieces);
  }
  if (written.throttled) {
    const capacity::Step step = step_of(written.packed.batches);
    count({&step, 1}, &metrics::ShardCounts::throttled);
  }
}

producing::Written CommitStage::append(Encoded& encoded, Progress& progress, Ahead ahead) {
  std::vector<ProducerMove> moves;
  for (const auto& [source, to] : encoded.moves) {
    const auto from = positions_.find(source);
    moves.push_back({{command_.producer.value_or(""), source},
                     from == positions_.end() ? std::nullopt : std::optional(from->second),
                     to});
  }
  const auto tell = [&](const NoRoom& no_room) {
    if (std::exchange(told_why_full_, true)) return;
    progress.clear();
    context_.warn(why_full(stream_, no_room, shown_name(command_.stream)));
  };
  on_demand_.tend();
  producing::Written written =
      writer_.limited() ? append_slice(encoded, moves, tell)
                        : writer_.store(std::move(encoded.packed), moves, context_.stop, tell, std::move(ahead));
  after_append([&] {
    for (const ProducerMove& move : moves) positions_.insert_or_assign(move.id.source, move.to.sequence);
  });
  return written;
}

/// Appends what was reserved. If there is no room for it, it stays reserved and waits, unless a stop is requested.
producing::Written CommitStage::append_slice(Encoded& encoded, std::span<const ProducerMove> moves,
                                             const producing::Writer::OnNoRoom& on_no_room) {
  const bool reserves = !fails_ && !pending_.need_nothing();
  producing::Packed packed = std::move(encoded.packed);
  if (packed.batches.empty() && moves.empty()) {
    producing::Written nothing;
    nothing.packed = std::move(packed);
    return nothing;
  }
  const auto next = reserves ? needs_at_once() : std::span<const capacity::Step>();
  producing::Written written = writer_.store_reserved(std::move(packed), moves, next, paid_, context_.stop, on_no_room);
  if (reserves) after_append([&] { leave(written.next); });
  return written;
}

void CommitStage::count(const RoutedBatch& batch, const Outcome& outcome) {
  const auto note = [&](const SequenceNumber& sequence, ShardId shard) {
    last_ = fmt::format("{} of {}", sequence.to_string(), shard.to_string());
  };
  if (const auto* const stored = std::get_if<Stored>(&outcome)) {
    records_ += stored->sequences.size();
    for (std::size_t i = 0; batch.arrived_at && i < stored->sequences.size(); ++i) {
      if (stored->arrivals[i] != *batch.arrived_at) ++moved_in_time_;
    }
    note(stored->sequences.last(), stored->shard_of(stored->sequences.size() - 1, batch.shard));
  } else if (const auto* const in_part = std::get_if<StoredInPart>(&outcome)) {
    for (const auto& record : in_part->records) {
      const auto* const place = std::get_if<StoredInPart::Record>(&record);
      if (place == nullptr) continue;
      ++records_;
      note(place->sequence, batch.shard);
    }
  }
}

/// Prints a line for each record: its shard and sequence number, a hyphen if it is not stored, or a question mark if
/// that is not known.
void CommitStage::acknowledge(const producing::Written& written, const std::vector<std::string>& reasons) const {
  Output& output = context_.output;
  for (const producing::Place& place : written.packed.places) {
    if (place.batch == producing::Place::not_packed) {
      output.write(fmt::format("-\t{}\n", reasons[place.index]));
      continue;
    }
    const producing::RecordOutcome outcome = written.of(place);
    if (const auto* const stored = std::get_if<producing::RecordStored>(&outcome)) {
      output.write(fmt::format("{}\t{}\n", stored->shard.to_string(), stored->sequence.to_string()));
    } else {
      const auto& fault = std::get<producing::RecordNotStored>(outcome);
      output.write(fmt::format("{}\t{}\n", fault.code == ErrorCode::io ? '?' : '-', fault.reason));
    }
  }
}

void CommitStage::warn(const Encoded& encoded, Progress& progress) {
  skipped_ += encoded.skipped_records;
  dropped_ += encoded.dropped;
  if (!encoded.skipped.empty() || !encoded.notice.empty()) progress.clear();
  if (!encoded.notice.empty() && !std::exchange(noticed_, true)) context_.warn(encoded.notice);
  for (const std::string& message : encoded.skipped) context_.warn(message);
}

std::string CommitStage::summary() const {
  if (records_ == 0) return "no records committed";
  const std::string moved =
      moved_in_time_ == 0 ? "" : fmt::format(", {} of them with another arrival time", moved_in_time_);
  return fmt::format("{} record{} committed{}, the last is {}", records_, records_ == 1 ? "" : "s", moved, last_);
}

ExitStatus CommitStage::report() const {
  if (skipped_ == 0 && dropped_ == 0 && moved_in_time_ == 0) {
    context_.detail(summary());
    return ExitStatus::success;
  }
  const std::string skipped = skipped_ == 0 ? "" : format_count(skipped_, "record") + " skipped; ";
  const std::string dropped =
      dropped_ == 0 ? "" : fmt::format("{} dropped, {}; ", format_count(dropped_, "record"), why_throttled_);
  context_.message(skipped + dropped + summary());
  return ExitStatus::partly;
}

}  // namespace shardlog::cli
