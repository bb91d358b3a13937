#include "shardlog/sqlite/reader.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
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

SqliteReader::SqliteReader(SQLite::Database& database, const Paths& paths, const WriterLock& lock,
                           const DatabaseFiles& files, const LockWait& lock_wait, const Clock& clock,
                           std::shared_ptr<CommitWatch> watch, const Configuration& known, const ReadRequest& request)
    : database_(database),
      paths_(paths),
      lock_(lock),
      files_(files),
      lock_wait_(lock_wait),
      clock_(clock),
      watch_(std::move(watch)),
      seen_(watch_ ? watch_->noticed() : 0),
      configuration_(known),
      walk_(database),
      version_(database, std::string(select_configuration_version)),
      gone_(database,
            "SELECT (SELECT batch FROM trim_horizon LIMIT 1) > ?1 "
            "OR ifnull((SELECT arrived_at FROM batches WHERE id > ?1 ORDER BY id LIMIT 1) < ?2, 0)") {
  const std::optional<DurableMark> mark = lock_.mark();
  const Snapshot snapshot(database_, lock_wait_);
  if (read_configuration_version(version_) != configuration_.version) {
    configuration_ = load_configuration(database_, Access::read);
  }
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
    Place place{seek_time(database_, configuration_, horizon, at->time)};
    if (place.tail.batch() < newest) {
      end_at(std::move(place));
    } else {
      until_ = at->time;
    }
  } else if (const auto* records = std::get_if<LastRecords>(&*request.until)) {
    end_at(seek_last(
        database_, configuration_, horizon, records->count,
        [this](std::int64_t shard) { return chosen_.contains(shard); }, few));
  } else if (const auto sequence = sequence_of(*request.until)) {
    const ShardId shard = request.starts.empty() ? request.shards.front() : request.starts.front().shard;
    const Cut cut{shard.number(), *sequence};
    Place place = seek_sequences(database_, configuration_, horizon, {{cut.shard, cut.sequence}}, few);
    if (place.batch) end_at(std::move(place));
    until_cut_ = cut;
  }
}

/// Reads no further, whatever else is there or will be.
void SqliteReader::end_at(Place place) {
  if (place.cut && place.cut->sequence > place.batch->first_sequence) {
    until_cut_ = place.cut;
    advance(database_, configuration_, place.tail, *place.batch);
  }
  last_batch_ = place.tail.batch();
  end_ = std::move(place.tail);
}

/// The shard map as it is in this transaction.
void SqliteReader::follow_map() {
  if (read_configuration_version(version_) == configuration_.version) return;
  configuration_ = load_configuration(database_, Access::read);
  chosen_.follow(configuration_);
  if (walk_.leaves_out()) walk_.want_only(chosen_.shards());
  tail_.forget_last_arrival();
  follow_closings();
}

/// Goes on behind what was trimmed or has expired meanwhile.
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
  tail_ = std::move(start);
  for (const ShardRow& row : configuration_.shards) note_end(row);
}

bool SqliteReader::is_before_loss() const {
  const auto& losses = configuration_.losses;
  return tail_.batch() < last_batch_ && std::any_of(losses.begin(), losses.end(), [this](const LostBatches& loss) {
           return loss.after == tail_.batch();
         });
}

/// Moves the tail past what was lost right after it, and reports that as gaps.
void SqliteReader::skip_loss() {
  Tail behind = tail_;
  pass_loss(database_, configuration_, behind);
  for (const ShardRow& row : configuration_.shards) {
    if (!chosen_.contains(row.shard.id.number())) continue;
    add_gap(row, tail_.next_sequence(row), behind, Gap::Reason::lost);
  }
  tail_ = std::move(behind);
  for (const ShardRow& row : configuration_.shards) note_end(row);
}

/// Of what was asked for between `first` and the tail `gone`, where that is anything.
void SqliteReader::add_gap(const ShardRow& row, std::int64_t first, const Tail& gone, Gap::Reason reason) {
  const std::int64_t shard = row.shard.id.number();
  const ShardTail* const last = gone.find(shard);
  const bool too_early = last != nullptr && last->last_arrival && *last->last_arrival < chosen_.not_before(shard);
  if (too_early && reason == Gap::Reason::trimmed) return;  // nobody knows when the lost records arrived
  first = chosen_.first_wanted(shard, first);
  std::int64_t behind = gone.next_sequence(row);
  if (until_cut_ && until_cut_->shard == shard) behind = std::min(behind, until_cut_->sequence);
  if (end_) behind = std::min(behind, end_->next_sequence(row));
  if (first >= behind) return;
  gaps_.push_back({row.shard.id, SequenceNumber(static_cast<std::uint64_t>(first)),
                   SequenceNumber(static_cast<std::uint64_t>(behind - 1)), reason});
}

/// Looks where shards end that have closed.
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
  } catch (const Error&) {
    return;  // reading comes to the damage by itself, and to all that is right before it
  } catch (const SQLite::Exception&) {
    return;
  }
  for (const ShardRow& row : shards) {
    if (!closed(row)) continue;
    ends_.expect(row.shard.id.number(), newest.next_sequence(row));
    note_end(row);
  }
}

/// To be asked whenever the tail has passed records of the shard.
void SqliteReader::note_end(const ShardRow& row) {
  const std::int64_t shard = row.shard.id.number();
  if (!ends_.knows(shard)) return;
  std::int64_t next = tail_.next_sequence(row);
  if (end_) next = std::min(next, end_->next_sequence(row));  // what is trimmed behind the end was not wanted
  next = chosen_.first_wanted(shard, next);
  if (until_cut_ && until_cut_->shard == shard) next = std::min(next, until_cut_->sequence);
  ends_.reach(shard, next);
}

/// The places of the first record of a batch that was asked for, and behind the last.
std::pair<std::int64_t, std::int64_t> SqliteReader::asked_for(const BatchRow& row) const {
  if (!chosen_.contains(row.shard) || row.arrived_at < chosen_.not_before(row.shard)) return {0, 0};
  const std::int64_t first = chosen_.first_wanted(row.shard, row.first_sequence);
  std::int64_t behind = row.next_sequence();
  if (until_cut_ && until_cut_->shard == row.shard) behind = std::min(behind, until_cut_->sequence);
  return {first - row.first_sequence, behind - row.first_sequence};
}

/// Where reading ends at a record that had not come when the read was set up.
bool SqliteReader::reached_end_of_shard() const {
  return until_cut_ && tail_.next_sequence(shard_of(configuration_, until_cut_->shard)) >= until_cut_->sequence;
}

/// Throws where there was something behind the tail, and now is not.
void SqliteReader::check_end(const std::optional<DurableMark>& mark) {
  const std::int64_t durable = mark ? mark->batch : 0;
  const std::int64_t last = last_batch_ == open_ended ? durable : last_batch_;
  if (tail_.batch() >= last) return;
  if (tail_.batch() < durable && newest_known_batch(database_) <= tail_.batch()) throw lost_tail(database_, *mark);
  throw Error(ErrorCode::corrupt, fmt::format("batch {} is missing", last));
}

/// A bounded piece, read within one transaction that is over on return. Stops at damage and remembers it.
std::vector<FetchedBatch> SqliteReader::fetch(std::size_t budget) {
  std::vector<FetchedBatch> fetched;
  const std::optional<DurableMark> mark = lock_.mark();
  const Snapshot snapshot(database_, lock_wait_);
  try {
    PayloadReader payloads(database_);
    follow_map();
    skip_what_is_gone();
    at_horizon_ = false;
    walk_.start(tail_.batch(), last_batch_);
    ended_ = ended_ || reached_end_of_shard();
    std::size_t bytes = 0;
    for (std::size_t rows = 0; !ended_ && (bytes < budget || fetched.empty()) && rows < most_rows_per_fetch; ++rows) {
      if (is_before_loss()) {
        if (!fetched.empty()) break;  // a gap is told before the batches of the same result
        skip_loss();
      }
      const std::int64_t before = tail_.batch();
      const std::optional<BatchRow> row = walk_.next(tail_);
      if (!row && tail_.batch() != before) {
        ended_ = until_ && tail_.last_arrival() >= *until_;
        continue;
      }
      if (!row) {
        ended_ = last_batch_ != open_ended || chosen_.all_closed(configuration_);
        check_end(mark);
        break;
      }
      if (until_ && row->arrived_at >= *until_) {
        ended_ = true;
        break;
      }
      const ShardRow& shard = shard_of(configuration_, row->shard);
      tail_.advance(*row, shard);
      note_end(shard);
      ended_ = reached_end_of_shard();
      const auto [first, behind] = asked_for(*row);
      if (first >= behind) continue;
      fetched.push_back(
          {*row, static_cast<std::size_t>(first), static_cast<std::size_t>(behind - first), payloads.read(row->id)});
      // A compressed payload takes as much memory as its records once it is decoded.
      bytes += std::max(fetched.back().payload.size(), static_cast<std::size_t>(row->data_bytes));
    }
  } catch (const SQLite::Exception& error) {
    damage_ = translate(error, "read");
  } catch (const Error& error) {
    damage_ = error;
  }
  walk_.stop();
  return fetched;
}

ReadResult SqliteReader::next(std::size_t budget) {
  return named(paths_.name, [&] { return next_unnamed(budget); });
}

ReadResult SqliteReader::next_unnamed(std::size_t budget) {
  if (damage_) throw *damage_;
  lock_.check_present();
  files_.check_present();
  std::vector<FetchedBatch> fetched;
  std::int64_t before = 0;
  do {  // a piece may hold other shards' batches only
    before = tail_.batch();
    fetched = fetch(budget);
  } while (fetched.empty() && !ended_ && !damage_ && tail_.batch() != before);
  if (fetched.empty() && !ended_ && !damage_ && until_ && clock_.now() >= *until_) {
    // What arrived before that time may still be on its way to being committed, but not while we hold the lock.
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
  // What is right is delivered first: the next call fails.
  if (damage_ && result.batches.empty() && result.gaps.empty()) throw *damage_;
  if (!damage_) result.ended = ends_.take();
  result.at_end = ended_ && !damage_;
  return result;
}

bool SqliteReader::wait(Duration timeout, std::stop_token stop) {
  if (watch_) timeout = std::min(timeout, poll_interval);
  if (until_) {  // the end comes with that time, whoever looks how rarely
    const Timestamp now = clock_.now();
    timeout = std::min(timeout, now < *until_ ? *until_ - now : poll_interval);
  }
  if (watch_) return watch_->wait(seen_, timeout, stop);
  sleep_for(timeout, stop);
  return false;
}

}  // namespace shardlog::sqlite
