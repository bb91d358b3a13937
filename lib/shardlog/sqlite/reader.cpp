#include "shardlog/sqlite/reader.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/threads.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/read_start.h"

namespace shardlog::sqlite {

namespace {

constexpr std::size_t most_rows_per_fetch = 4096;

}  // namespace

SqliteReader::SqliteReader(Database& database, const Paths& paths, const WriterLock& lock, const DatabaseFiles& files,
                           const SegmentFiles* segments, const LockWait& lock_wait, const Clock& clock,
                           std::shared_ptr<CommitWatch> watch, const Configuration& known,
                           std::shared_ptr<SeenBatches> seen, const ReadRequest& request)
    : database_(database),
      paths_(paths),
      lock_(lock),
      files_(files),
      lock_wait_(lock_wait),
      clock_(clock),
      watch_(std::move(watch)),
      seen_(watch_ ? watch_->noticed() : 0),
      configuration_(known),
      pin_lines_(request.pin_lines),
      walk_(database, std::move(seen)),
      version_(database, std::string(select_configuration_version)),
      gone_(database,
            "SELECT (SELECT batch FROM trim_horizon LIMIT 1) > ?1 "
            "OR ifnull((SELECT arrived_at FROM batches WHERE id > ?1 ORDER BY id LIMIT 1) < ?2, 0)") {
  if (segments != nullptr) segments_.emplace(*segments);
  const std::optional<DurableMark> mark = lock_.mark();
  const Snapshot snapshot(database_, lock_wait_);
  refresh(configuration_, database_, version_, Access::read);
  ReadRequest by_number = request;
  by_number.starts = pinned(database_, configuration_, request.starts, clock_.now());
  resolve(by_number, mark ? mark->batch : 0);
}

void SqliteReader::resolve(const ReadRequest& request, std::int64_t durable_batch) {
  check_positions(request);
  chosen_ = ChosenShards(request, configuration_);
  if (const auto few = chosen_.few(configuration_); !few.empty()) walk_.want_only(few);
  const Tail horizon = readable_start(database_, configuration_, clock_.now());
  resolve_end(request, horizon, durable_batch);
  resolve_start(request, horizon);
  follow_closings();
}

void SqliteReader::resolve_start(const ReadRequest& request, const Tail& horizon) {
  ReadStart start = find_start(database_, configuration_, request, chosen_, horizon);
  tail_ = std::move(start.tail);
  at_horizon_ = start.at_horizon;
  if (start.cut) chosen_.begin_at(start.cut->shard, start.cut->sequence);
  for (const ShardRow& row : configuration_.shards) {
    if (!chosen_.begins_at_number(row.shard.id.number())) continue;
    add_gap(row, row.first_sequence, horizon);
  }
}

void SqliteReader::resolve_end(const ReadRequest& request, const Tail& horizon, std::int64_t durable_batch) {
  const std::int64_t newest = newest_batch(database_, configuration_).id;
  if (!request.follow || (request.until && std::holds_alternative<Latest>(*request.until))) {
    last_batch_ = std::max(newest, durable_batch);
    if (configuration_.settings.retention != forever) {
      end_ = horizon;
      TailScan(database_).catch_up(configuration_, *end_);
    }
  }
  if (!request.until) return;
  const auto few = chosen_.few(configuration_);
  if (std::holds_alternative<TrimHorizon>(*request.until)) {
    end_at({horizon});
  } else if (const auto* at = std::get_if<AtTime>(&*request.until)) {
    Tail found = seek_time(database_, configuration_, horizon, at->time);
    if (found.batch() == newest) {
      until_ = at->time;
    } else {
      end_at({std::move(found)});
    }
  } else if (const auto* records = std::get_if<LastRecords>(&*request.until)) {
    end_at(seek_last(
        database_, configuration_, horizon, records->count,
        [this](std::int64_t shard) { return chosen_.contains(shard); }, few));
  } else if (const auto sequence = sequence_of(*request.until)) {
    const ShardId shard = request.starts.empty() ? request.shards.front() : request.starts.front().shard;
    const Cut cut{shard.number(), *sequence};
    Boundary found = seek_sequences(database_, configuration_, horizon, {{cut.shard, cut.sequence}}, few);
    if (found.batch) end_at(std::move(found));
    until_cut_ = cut;
  }
}

/// Ends the read at `end`, whatever comes after that, now or later.
void SqliteReader::end_at(Boundary end) {
  if (end.cut && end.cut->sequence > end.batch->first_sequence) {
    until_cut_ = end.cut;
    advance(database_, configuration_, end.tail, *end.batch);
  }
  last_batch_ = end.tail.batch();
  end_ = std::move(end.tail);
}

/// Takes the shard map of this transaction.
void SqliteReader::follow_map() {
  if (!refresh(configuration_, database_, version_, Access::read)) return;
  chosen_.follow(configuration_);
  if (walk_.leaves_out()) walk_.want_only(chosen_.shards());
  tail_.forget_last_arrival();
  follow_closings();
}

/// Goes on after what was trimmed or has expired meanwhile.
void SqliteReader::skip_what_is_gone() {
  if (tail_.batch() >= last_batch_) return;
  const Timestamp now = clock_.now();
  const Timestamp expired = expiry(configuration_.settings.retention, now).value_or(Timestamp::min());
  gone_.tryReset();
  gone_.bind(1, tail_.batch());
  gone_.bind(2, std::int64_t{expired.time_since_epoch().count()});
  gone_.executeStep();
  const bool nothing = !gone_.isColumnNull(0) && gone_.getColumn(0).getInt() == 0;
  gone_.reset();
  if (nothing) return;
  Tail start = readable_start(database_, configuration_, now);
  for (const ShardRow& row : configuration_.shards) {
    const std::int64_t shard = row.shard.id.number();
    const bool missed = chosen_.contains(shard) && (!at_horizon_ || chosen_.begins_at_number(shard));
    if (missed) add_gap(row, tail_.next_sequence(row), start);
  }
  go_to(std::move(start));
}

bool SqliteReader::is_before_loss() const {
  const auto& losses = configuration_.losses;
  return tail_.batch() < last_batch_ && std::any_of(losses.begin(), losses.end(), [this](const LostBatches& loss) {
           return loss.after == tail_.batch();
         });
}

/// Goes on after what was lost right after the tail, and adds that as gaps.
void SqliteReader::skip_loss() {
  Tail after = tail_;
  pass_loss(database_, configuration_, after);
  for (const ShardRow& row : configuration_.shards) {
    if (!chosen_.contains(row.shard.id.number())) continue;
    add_gap(row, tail_.next_sequence(row), after, Gap::Reason::lost);
  }
  go_to(std::move(after));
}

void SqliteReader::go_to(Tail tail) {
  tail_ = std::move(tail);
  for (const ShardRow& row : configuration_.shards) note_end(row);
}

/// The wanted end of the shard if it is before this sequence number, otherwise this number.
std::int64_t SqliteReader::before_cut(std::int64_t shard, std::int64_t sequence) const {
  return until_cut_ && until_cut_->shard == shard ? std::min(sequence, until_cut_->sequence) : sequence;
}

/// Adds a gap for the wanted records from `first` to the tail `gone`, if there are any.
void SqliteReader::add_gap(const ShardRow& row, std::int64_t first, const Tail& gone, Gap::Reason reason) {
  const std::int64_t shard = row.shard.id.number();
  const ShardTail* const last = gone.find(shard);
  const bool too_early = last != nullptr && last->last_arrival && *last->last_arrival < chosen_.not_before(shard);
  if (too_early && reason == Gap::Reason::trimmed) return;  // nobody knows when lost records arrived
  first = chosen_.first_wanted(shard, first);
  std::int64_t end = before_cut(shard, gone.next_sequence(row));
  if (end_) end = std::min(end, end_->next_sequence(row));
  if (first < end) add_gap(row.shard.id, first, end, reason);
}

/// Gaps that continue each other are told as one.
void SqliteReader::add_gap(ShardId shard, std::int64_t first, std::int64_t end, Gap::Reason reason) {
  const SequenceNumber last(static_cast<std::uint64_t>(end - 1));
  const auto before = std::ranges::find_if(gaps_, [&](const Gap& gap) {
    return gap.shard == shard && gap.reason == reason &&
           gap.last == SequenceNumber(static_cast<std::uint64_t>(first - 1));
  });
  if (before != gaps_.end()) {
    before->last = last;
  } else {
    gaps_.push_back({shard, SequenceNumber(static_cast<std::uint64_t>(first)), last, reason});
  }
}

/// Finds out where newly closed shards end.
void SqliteReader::follow_closings() {
  const auto closed = [this](const ShardRow& row) {
    const std::int64_t shard = row.shard.id.number();
    return !row.shard.open() && chosen_.contains(shard) && !ends_.knows(shard);
  };
  const auto& shards = configuration_.shards;
  if (std::none_of(shards.begin(), shards.end(), closed)) return;
  Tail newest = walk_.leaves_out() ? Tail() : tail_;
  try {
    TailScan(database_).catch_up(configuration_, newest);
  } catch (const std::runtime_error&) {  // our own errors, and SQLite's
    return;                              // reading delivers everything before the damage, and then meets it
  }
  for (const ShardRow& row : shards) {
    if (!closed(row)) continue;
    ends_.expect(row.shard.id.number(), newest.next_sequence(row));
    note_end(row);
  }
}

/// Call it whenever the tail has passed records of the shard.
void SqliteReader::note_end(const ShardRow& row) {
  const std::int64_t shard = row.shard.id.number();
  if (!ends_.knows(shard)) return;
  std::int64_t next = tail_.next_sequence(row);
  if (end_) next = std::min(next, end_->next_sequence(row));  // what was trimmed after the end was not wanted
  ends_.reach(shard, before_cut(shard, chosen_.first_wanted(shard, next)));
}

/// Whether the read ends at a record of one shard and has reached it. That record may not have arrived yet when the
/// read was set up.
bool SqliteReader::reached_end_of_shard() const {
  return until_cut_ && tail_.next_sequence(shard_of(configuration_, until_cut_->shard)) >= until_cut_->sequence;
}

/// Throws if batches after the tail are known to have existed.
void SqliteReader::check_end(const std::optional<DurableMark>& mark) {
  const std::int64_t durable = mark ? mark->batch : 0;
  const std::int64_t last = last_batch_ == open_ended ? durable : last_batch_;
  if (tail_.batch() >= last) return;
  if (tail_.batch() < durable && newest_known_batch(database_) <= tail_.batch()) throw lost_tail(database_, *mark);
  throw Error(ErrorCode::corrupt, fmt::format("batch {} is missing", last));
}

/// Reads a bounded piece in one transaction, which is over on return. Stops at damage and remembers it.
std::vector<FetchedBatch> SqliteReader::fetch(std::size_t budget) {
  std::vector<FetchedBatch> fetched;
  at_tail_ = false;
  const std::optional<DurableMark> mark = lock_.mark();
  const Snapshot snapshot(database_, lock_wait_);
  try {
    follow_map();
    PayloadReader payloads(database_, segments_ ? &*segments_ : nullptr, pin_lines_);
    if (auto again = read_again(payloads)) fetched.push_back(std::move(*again));
    if (fetched.empty()) skip_what_is_gone();  // a result tells its gaps before its batches
    at_horizon_ = false;
    walk_.start(tail_.batch(), last_batch_);
    ended_ = ended_ || reached_end_of_shard();
    std::size_t left = fetched.empty() ? budget : 0;
    for (std::size_t rows = 0; !ended_ && (left > 0 || fetched.empty()) && rows < most_rows_per_fetch; ++rows) {
      if (is_before_loss()) {
        if (!fetched.empty()) break;  // a result tells its gaps before its batches
        skip_loss();
      }
      const std::int64_t before = tail_.batch();
      if (auto batch = next_wanted()) {
        std::optional<StoredPayload> payload = payloads.read(batch->row);
        if (!payload) {
          unread_ = std::move(batch);
          break;
        }
        batch->payload = std::move(*payload);
        // A compressed payload takes as much memory as its records once it is decoded.
        left -= std::min(left, std::max(batch->payload.bytes.size(), static_cast<std::size_t>(batch->row.data_bytes)));
        fetched.push_back(std::move(*batch));
      } else if (!ended_ && tail_.batch() == before) {
        at_tail_ = true;
        ended_ = last_batch_ != open_ended || chosen_.all_closed(configuration_);
        check_end(mark);
        break;
      }
    }
  } catch (const SQLite::Exception& error) {
    damage_ = translate(error, "read");
  } catch (const Error& error) {
    damage_ = error;
  }
  walk_.stop();
  if (segments_) segments_->close();  // the caller may be slow, or the next batch long in coming
  return fetched;
}

/// The batch whose segment was gone in an earlier snapshot. Empty if there is none, or if it was trimmed: then that is
/// a gap. Throws corrupt if it is still there, and the segment is not.
std::optional<FetchedBatch> SqliteReader::read_again(PayloadReader& payloads) {
  if (!unread_) return std::nullopt;
  FetchedBatch batch = *std::exchange(unread_, std::nullopt);
  if (database_.number("SELECT batch FROM trim_horizon LIMIT 1") >= batch.row.id) {
    const std::int64_t first = batch.row.first_sequence + static_cast<std::int64_t>(batch.first);
    add_gap(ShardId(static_cast<std::uint32_t>(batch.row.shard)), first, first + static_cast<std::int64_t>(batch.count),
            Gap::Reason::trimmed);
    return std::nullopt;
  }
  std::optional<StoredPayload> payload = payloads.read(batch.row);
  if (!payload) throw segment_missing(batch.row, *payloads.place());
  batch.payload = std::move(*payload);
  return batch;
}

/// Moves the tail past a batch, or past batches of other shards. Returns the batch, without its payload, if records of
/// it are wanted. Leaves the tail where it is if no batch is left, or if the next one arrived too late.
std::optional<FetchedBatch> SqliteReader::next_wanted() {
  const std::optional<BatchRow> row = walk_.next(tail_);
  ended_ = until_ && (row ? row->arrived_at : tail_.last_arrival()) >= *until_;
  if (!row || ended_) return std::nullopt;
  const ShardRow& shard = shard_of(configuration_, row->shard);
  tail_.advance(*row, shard);
  note_end(shard);
  ended_ = reached_end_of_shard();
  if (!chosen_.contains(row->shard) || row->arrived_at < chosen_.not_before(row->shard)) return std::nullopt;
  const std::int64_t first = chosen_.first_wanted(row->shard, row->first_sequence);
  const std::int64_t end = before_cut(row->shard, row->next_sequence());
  if (first >= end) return std::nullopt;
  return FetchedBatch{
      *row, static_cast<std::size_t>(first - row->first_sequence), static_cast<std::size_t>(end - first), {}};
}

ReadResult SqliteReader::next(std::size_t budget) {
  return named(paths_.name, [&] { return next_unnamed(budget); });
}

ReadResult SqliteReader::next_unnamed(std::size_t budget) {
  if (damage_) throw *damage_;
  std::vector<FetchedBatch> fetched;
  std::int64_t before = 0;
  do {  // a piece may hold nothing but batches of other shards
    // Each time, because the segment that an earlier piece lacked may be gone with the whole stream.
    lock_.check_present();
    files_.check_present();
    before = tail_.batch();
    fetched = fetch(budget);
  } while (fetched.empty() && !damage_ && (unread_ || (!ended_ && tail_.batch() != before)));
  if (fetched.empty() && !ended_ && !damage_ && until_ && clock_.now() >= *until_) {
    // Another process may still be committing what arrived before that time, but not while this one holds the lock.
    if (const auto held = lock_.try_acquire()) {
      fetched = fetch(budget);
      ended_ = ended_ || tail_.batch() == before;
    }
  }
  ReadResult result;
  result.gaps = std::exchange(gaps_, {});
  DecodedBatches decoded = decode(std::move(fetched));
  result.batches = std::move(decoded.batches);
  if (decoded.damage) damage_ = std::move(decoded.damage);
  // Everything before the damage is delivered first; the next call fails.
  if (damage_ && result.batches.empty() && result.gaps.empty()) throw *damage_;
  const bool all_read = !damage_ && !unread_;
  if (all_read) result.ended = ends_.take();
  result.at_end = ended_ && all_read;
  result.at_tail = at_tail_ && all_read;
  return result;
}

bool SqliteReader::wait(Duration timeout, std::stop_token stop) {
  if (watch_) timeout = std::min(timeout, poll_interval);
  if (until_) {  // the read ends at that time, so the caller must not sleep past it
    const Timestamp now = clock_.now();
    timeout = std::min(timeout, now < *until_ ? *until_ - now : poll_interval);
  }
  if (watch_) return watch_->wait(seen_, timeout, stop);
  sleep_for(timeout, stop);
  return false;
}

}  // namespace shardlog::sqlite
