#include "shardlog/sqlite/reader.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/payload.h"

namespace shardlog::sqlite {

namespace {

constexpr Duration poll_interval = std::chrono::milliseconds(100);  // behind the notice of commits
constexpr std::size_t most_rows_per_fetch = 4096;

StoredBatch decode(const BatchRow& row, Bytes payload) {
  RecordBatch records = decode_payload(row, std::move(payload));
  const std::size_t count = records.size();
  return {ShardId(static_cast<std::uint32_t>(row.shard)),
          row.arrived_at,
          SequenceRun::dense(static_cast<std::uint64_t>(row.first_sequence), count),
          std::move(records),
          0,
          count};
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
      version_(database, std::string(select_configuration_version)) {
  SQLite::Transaction transaction(database_);
  configuration_ = load_configuration(database_, Access::read);
  resolve(request);
}

void SqliteReader::resolve(const ReadRequest& request) {
  const ShardMap map = configuration_.map();
  for (const ShardId shard : request.shards) {
    if (map.find(shard) == nullptr) throw Error(ErrorCode::not_found, "the stream has no " + shard.to_string());
    shards_.insert(shard.number());
  }
  add_descendants();
  const bool has_end = !request.follow || (request.until && !std::holds_alternative<AtTime>(*request.until));
  if (has_end) last_batch_ = newest_batch(database_).id;
  if (request.until && std::holds_alternative<AtTime>(*request.until)) until_ = std::get<AtTime>(*request.until).time;
  if (request.until && std::holds_alternative<TrimHorizon>(*request.until)) last_batch_ = 0;

  if (std::holds_alternative<Latest>(request.from)) {
    TailScan(database_).catch_up(configuration_, tail_);
  } else if (const auto* at = std::get_if<AtTime>(&request.from)) {
    seek_to_time(tail_, at->time);
  }
}

/// Moves behind the last batch that arrived before `time`.
void SqliteReader::seek_to_time(Tail& tail, Timestamp time) {
  tail = load_indexed_tail(database_, time);
  rows_.bind(1, tail.batch());
  rows_.bind(2, std::numeric_limits<std::int64_t>::max());
  while (rows_.executeStep()) {
    const BatchRow row = read_batch_row(rows_);
    if (row.arrived_at >= time) break;
    tail.advance(row, shard_of(configuration_, row.shard));
  }
  rows_.reset();
}

/// The shard map as it is in this transaction.
void SqliteReader::follow_map() {
  if (read_configuration_version(version_) == configuration_.version) return;
  configuration_ = load_configuration(database_, Access::read);
  add_descendants();
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

bool SqliteReader::wanted(const BatchRow& row) const {
  return shards_.empty() || shards_.contains(row.shard);
}

/// A bounded piece, read within one transaction that is over on return. Stops at damage and remembers it.
std::vector<SqliteReader::Fetched> SqliteReader::fetch(std::size_t budget) {
  std::vector<Fetched> fetched;
  try {
    SQLite::Transaction transaction(database_);
    PayloadReader payloads(database_);
    follow_map();
    rows_.bind(1, tail_.batch());
    rows_.bind(2, last_batch_);
    std::size_t bytes = 0;
    for (std::size_t rows = 0; (bytes < budget || fetched.empty()) && rows < most_rows_per_fetch; ++rows) {
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
      if (!wanted(row)) continue;
      fetched.push_back({row, payloads.read(row.id)});
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
  result.batches.reserve(fetched.size());
  try {
    for (Fetched& batch : fetched) result.batches.push_back(decode(batch.row, std::move(batch.payload)));
  } catch (const Error& error) {
    damage_ = error;
  }
  // What is right is delivered first: the next call fails.
  if (damage_ && result.batches.empty()) throw *damage_;
  result.at_end = ended_ && !damage_;
  return result;
}

bool SqliteReader::wait(Duration timeout, std::stop_token stop) {
  return watch_.wait(noticing_ ? std::min(timeout, poll_interval) : timeout, stop);
}

}  // namespace shardlog::sqlite
