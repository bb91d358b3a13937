#include "shardlog/sqlite/reader.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/payload.h"

namespace shardlog::sqlite {

namespace {

constexpr Duration poll_interval = std::chrono::milliseconds(100);  // behind the notice of commits
constexpr std::size_t most_rows_per_fetch = 4096;

StoredBatch decode(const BatchRow& row, std::size_t first, std::size_t count, Bytes payload) {
  RecordBatch records = decode_payload(row, std::move(payload));
  const SequenceRun sequences = SequenceRun::dense(static_cast<std::uint64_t>(row.first_sequence), records.size());
  return {ShardId(static_cast<std::uint32_t>(row.shard)), row.arrived_at, sequences, std::move(records), first, count};
}

/// Numbers beyond all that this engine gives are as good as the largest.
std::int64_t number_of(const SequenceNumber& sequence) {
  const std::string& digits = sequence.to_string();
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() ? number : std::numeric_limits<std::int64_t>::max();
}

/// The record that a position of one shard stands before; nothing for other positions.
std::optional<std::int64_t> sequence_of(const Position& position) {
  if (const auto* at = std::get_if<AtSequence>(&position)) return number_of(at->sequence);
  if (const auto* after = std::get_if<AfterSequence>(&position)) {
    return std::min(number_of(after->sequence), std::numeric_limits<std::int64_t>::max() - 1) + 1;
  }
  return std::nullopt;
}

void check_positions(const ReadRequest& request) {
  const bool of_one_shard = sequence_of(request.from) || (request.until && sequence_of(*request.until));
  if (of_one_shard && request.shards.size() != 1) {
    throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose one");
  }
}

}  // namespace

SqliteReader::SqliteReader(SQLite::Database& database, const Paths& paths, const WriterLock& lock, const Clock& clock,
                           const ReadRequest& request)
    : database_(database),
      paths_(paths),
      lock_(lock),
      clock_(clock),
      noticing_(request.follow && request.notice),
      watch_(noticing_ ? CommitWatch(paths.lock()) : CommitWatch()),
      descendants_(request.descendants),
      rows_(database, fmt::format("SELECT {} FROM batches WHERE id > ? AND id <= ? ORDER BY id", batch_row_columns)),
      version_(database, std::string(select_configuration_version)),
      gone_(database,
            "SELECT (SELECT batch FROM trim_horizon LIMIT 1) > ?1 "
            "OR ifnull((SELECT arrived_at FROM batches WHERE id > ?1 ORDER BY id LIMIT 1) < ?2, 0)") {
  SQLite::Transaction transaction(database_);
  configuration_ = load_configuration(database_, Access::read);
  resolve(request);
}

void SqliteReader::resolve(const ReadRequest& request) {
  check_positions(request);
  const ShardMap map = configuration_.map();
  for (const ShardId shard : request.shards) {
    if (map.find(shard) == nullptr) throw Error(ErrorCode::not_found, "the stream has no " + shard.to_string());
    shards_.insert(shard.number());
  }
  add_descendants();
  const Tail horizon = readable_start(database_, configuration_, clock_.now());
  resolve_end(request, horizon);
  resolve_start(request, horizon);
}

void SqliteReader::resolve_start(const ReadRequest& request, const Tail& horizon) {
  tail_ = horizon;
  if (std::holds_alternative<Latest>(request.from)) {
    TailScan(database_).catch_up(configuration_, tail_);
  } else if (const auto* at = std::get_if<AtTime>(&request.from)) {
    tail_ = seek_time(database_, configuration_, horizon, at->time);
    for (const auto& [shard, tail] : horizon.shards()) {
      if (request.strict && wanted(shard) && tail.last_arrival && *tail.last_arrival >= at->time) {
        throw Error(ErrorCode::trimmed, fmt::format("records that arrived at {} or later are trimmed, up to {}",
                                                    to_rfc3339(at->time), to_rfc3339(*tail.last_arrival)));
      }
    }
  } else if (const auto* newest = std::get_if<LastRecords>(&request.from)) {
    Place place = last(newest->count, horizon);
    tail_ = std::move(place.tail);
    from_cut_ = place.cut;
  } else if (const auto sequence = sequence_of(request.from)) {
    start_at({request.shards.front().number(), *sequence}, horizon, request.strict);
  }
  const bool definite = std::holds_alternative<Latest>(request.from) || sequence_of(request.from);
  at_horizon_ = !definite && tail_.batch() == horizon.batch();
}

void SqliteReader::start_at(const Cut& cut, const Tail& horizon, bool strict) {
  const ShardRow& row = shard_of(configuration_, cut.shard);
  const std::int64_t first = horizon.next_sequence(row);
  Tail end = horizon;
  TailScan(database_).catch_up(configuration_, end);
  // In front of the newest record that is passed over: descendants go on behind it.
  const std::int64_t passed = std::min(cut.sequence, end.next_sequence(row)) - 1;
  if (passed >= first) tail_ = seek_sequence(database_, configuration_, horizon, {cut.shard, passed}).tail;
  from_cut_ = cut;
  const std::int64_t from = std::max(cut.sequence, row.first_sequence);
  if (from >= first) return;
  if (strict) {
    throw Error(ErrorCode::trimmed,
                fmt::format("sequence number {} of {} is trimmed: the next one that is there, or will be, is {}", from,
                            row.shard.id.to_string(), first));
  }
  add_gap(row, from, first);
}

void SqliteReader::resolve_end(const ReadRequest& request, const Tail& horizon) {
  const std::int64_t newest = newest_batch(database_).id;
  if (!request.follow || (request.until && std::holds_alternative<Latest>(*request.until))) {
    last_batch_ = newest;
    if (configuration_.settings.retention != forever) {
      end_ = horizon;
      TailScan(database_).catch_up(configuration_, *end_);
    }
  }
  if (!request.until) return;
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
    end_at(last(records->count, horizon));
  } else if (const auto sequence = sequence_of(*request.until)) {
    const Cut cut{request.shards.front().number(), *sequence};
    Place place = seek_sequence(database_, configuration_, horizon, cut);
    if (place.batch) end_at(std::move(place));
    until_cut_ = cut;
  }
}

/// Reads no further, whatever else is there or will be.
void SqliteReader::end_at(Place place) {
  if (place.cut && place.cut->sequence > place.batch->first_sequence) {
    until_cut_ = place.cut;
    place.tail.advance(*place.batch, shard_of(configuration_, place.batch->shard));
  }
  last_batch_ = place.tail.batch();
  end_ = std::move(place.tail);
}

Place SqliteReader::last(std::uint64_t count, const Tail& horizon) {
  return seek_last(database_, configuration_, horizon, count, [this](std::int64_t shard) { return wanted(shard); });
}

/// The shard map as it is in this transaction.
void SqliteReader::follow_map() {
  if (read_configuration_version(version_) == configuration_.version) return;
  configuration_ = load_configuration(database_, Access::read);
  add_descendants();
  tail_.forget_last_arrival();
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
    if (!at_horizon_ && wanted(row.shard.id.number())) add_gap(row, tail_.next_sequence(row), start.next_sequence(row));
  }
  tail_ = std::move(start);
}

/// Of what was asked for in this range, where that is anything.
void SqliteReader::add_gap(const ShardRow& row, std::int64_t first, std::int64_t behind) {
  const std::int64_t shard = row.shard.id.number();
  if (from_cut_ && from_cut_->shard == shard) first = std::max(first, from_cut_->sequence);
  if (until_cut_ && until_cut_->shard == shard) behind = std::min(behind, until_cut_->sequence);
  if (end_) behind = std::min(behind, end_->next_sequence(row));
  if (first >= behind) return;
  gaps_.push_back({row.shard.id, SequenceNumber(static_cast<std::uint64_t>(first)),
                   SequenceNumber(static_cast<std::uint64_t>(behind - 1))});
}

void SqliteReader::add_descendants() {
  if (!descendants_) return;
  // Children have higher ids than their parents, so one pass finds them all.
  for (const ShardRow& row : configuration_.shards) {
    const auto chosen = [this](const std::optional<ShardId>& parent) {
      return parent && shards_.contains(parent->number());
    };
    if (chosen(row.shard.parent) || chosen(row.shard.adjacent_parent)) shards_.insert(row.shard.id.number());
  }
}

bool SqliteReader::all_closed() const {
  return !shards_.empty() && std::none_of(shards_.begin(), shards_.end(), [this](std::int64_t shard) {
    return shard_of(configuration_, shard).shard.open();
  });
}

/// The places of the first record of a batch that was asked for, and behind the last.
std::pair<std::int64_t, std::int64_t> SqliteReader::asked_for(const BatchRow& row) const {
  if (!wanted(row.shard)) return {0, 0};
  std::int64_t first = row.first_sequence;
  std::int64_t behind = row.next_sequence();
  if (from_cut_ && from_cut_->shard == row.shard) first = std::max(first, from_cut_->sequence);
  if (until_cut_ && until_cut_->shard == row.shard) behind = std::min(behind, until_cut_->sequence);
  return {first - row.first_sequence, behind - row.first_sequence};
}

/// Where reading ends at a record that had not come when the read was set up.
bool SqliteReader::reached_end_of_shard() const {
  return until_cut_ && tail_.next_sequence(shard_of(configuration_, until_cut_->shard)) >= until_cut_->sequence;
}

/// A bounded piece, read within one transaction that is over on return. Stops at damage and remembers it.
std::vector<SqliteReader::Fetched> SqliteReader::fetch(std::size_t budget) {
  std::vector<Fetched> fetched;
  try {
    SQLite::Transaction transaction(database_);
    PayloadReader payloads(database_);
    follow_map();
    skip_what_is_gone();
    at_horizon_ = false;
    rows_.bind(1, tail_.batch());
    rows_.bind(2, last_batch_);
    ended_ = ended_ || reached_end_of_shard();
    std::size_t bytes = 0;
    for (std::size_t rows = 0; !ended_ && (bytes < budget || fetched.empty()) && rows < most_rows_per_fetch; ++rows) {
      if (!rows_.executeStep()) {
        ended_ = last_batch_ != open_ended || all_closed();
        if (last_batch_ != open_ended && tail_.batch() < last_batch_) {
          throw Error(ErrorCode::corrupt, fmt::format("batch {} is missing", last_batch_));
        }
        break;
      }
      const BatchRow row = read_batch_row(rows_);
      if (until_ && row.arrived_at >= *until_) {
        ended_ = true;
        break;
      }
      tail_.advance(row, shard_of(configuration_, row.shard));
      ended_ = reached_end_of_shard();
      const auto [first, behind] = asked_for(row);
      if (first >= behind) continue;
      fetched.push_back(
          {row, static_cast<std::size_t>(first), static_cast<std::size_t>(behind - first), payloads.read(row.id)});
      bytes += fetched.back().payload.size();
    }
  } catch (const SQLite::Exception& error) {
    damage_ = translate(error, "read");
  } catch (const Error& error) {
    damage_ = error;
  }
  rows_.tryReset();
  return fetched;
}

ReadResult SqliteReader::next(std::size_t budget) {
  return named(paths_.name, [&] { return next_unnamed(budget); });
}

ReadResult SqliteReader::next_unnamed(std::size_t budget) {
  if (damage_) throw *damage_;
  lock_.check_present();
  std::vector<Fetched> fetched;
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
  result.batches.reserve(fetched.size());
  try {
    for (Fetched& batch : fetched)
      result.batches.push_back(decode(batch.row, batch.first, batch.count, std::move(batch.payload)));
  } catch (const Error& error) {
    damage_ = error;
  }
  // What is right is delivered first: the next call fails.
  if (damage_ && result.batches.empty() && result.gaps.empty()) throw *damage_;
  result.at_end = ended_ && !damage_;
  return result;
}

bool SqliteReader::wait(Duration timeout, std::stop_token stop) {
  return watch_.wait(noticing_ ? std::min(timeout, poll_interval) : timeout, stop);
}

}  // namespace shardlog::sqlite
