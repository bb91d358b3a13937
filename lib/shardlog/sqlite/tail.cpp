#include "shardlog/sqlite/tail.h"

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/varint.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/statements.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::int64_t index_bytes = 4L * 1024 * 1024;
constexpr std::int64_t index_batches{Stretch::most_batches};

std::int64_t index_checksum(std::int64_t batch, Timestamp last_arrival, std::string_view tails) {
  std::array<char, 2 * sizeof(std::int64_t)> head{};
  store(store(head.data(), batch), microseconds(last_arrival));
  return static_cast<std::int64_t>(
      XXH3_64bits_withSeed(tails.data(), tails.size(), XXH3_64bits(head.data(), head.size())));
}

/// Where the shard is in a list, or would be. Usually every shard has held a record, and is at its own number.
template <typename Shards>
auto entry_of(Shards& shards, std::int64_t shard) {
  const auto at_number = shards.begin() + std::min(shard, std::int64_t(shards.size()));
  if (at_number != shards.end() && at_number->shard == shard) return at_number;
  return std::lower_bound(shards.begin(), at_number, shard,
                          [](const ShardTail& tail, std::int64_t number) { return tail.shard < number; });
}

}  // namespace

const ShardTail* Tail::find(std::int64_t shard) const {
  const auto found = entry_of(shards_, shard);
  return found != shards_.end() && found->shard == shard ? &*found : nullptr;
}

ShardTail Tail::counts_of(std::int64_t shard) const {
  const ShardTail* const found = find(shard);
  return found == nullptr ? ShardTail{.shard = shard} : *found;
}

ShardTail& Tail::at(std::int64_t shard) {
  const auto found = entry_of(shards_, shard);
  if (found != shards_.end() && found->shard == shard) return *found;
  return *shards_.insert(found, {.shard = shard});
}

std::int64_t Tail::next_sequence(const ShardRow& row) const {
  const ShardTail* const found = find(row.shard.id.number());
  if (found == nullptr) return row.first_sequence;
  if (found->next_sequence <= row.first_sequence) {
    throw_corrupt(fmt::format("tail after batch {}: {} goes on with sequence {}, and began with {}", batch_,
                              row.shard.id.to_string(), found->next_sequence, row.first_sequence));
  }
  return found->next_sequence;
}

void Tail::count_numbers(const Configuration& configuration) {
  numbers_ = 0;
  for (const ShardRow& row : configuration.shards) numbers_ += next_sequence(row) - row.first_sequence;
}

void Tail::check_follows(const BatchRow& row) const {
  if (row.id != batch_ + 1) throw_corrupt(fmt::format("batch {} is missing", batch_ + 1));
  if (row.arrived_at < last_arrival_) {
    throw_corrupt(fmt::format("batch {} does not continue batch {}", row.id, batch_));
  }
}

void Tail::advance(const BatchRow& row, const ShardRow& shard) {
  check_follows(row);
  if (const std::int64_t expected = next_sequence(shard); row.first_sequence != expected) {
    throw_corrupt(fmt::format("batch {}: {} continues with sequence {} where {} was expected", row.id,
                              shard.shard.id.to_string(), row.first_sequence, expected));
  }
  batch_ = row.id;
  last_arrival_ = row.arrived_at;
  ShardTail& tail = at(row.shard);
  tail.next_sequence = row.next_sequence();
  tail.records += row.record_count;
  tail.bytes += row.data_bytes;
  if (row.begins_append) ++tail.appends;
  tail.last_arrival = row.arrived_at;
  numbers_ += row.record_count;
  ++batches_since_index_;
  bytes_since_index_ += row.data_bytes;
  if (stretch_.size() == Stretch::most_batches) stretch_.clear();  // an index row is missing
  stretch_.push_back(static_cast<std::uint32_t>(row.shard));
}

void Tail::pass(const BatchRow& row) {
  check_follows(row);
  batch_ = row.id;
  last_arrival_ = row.arrived_at;
}

void Tail::lose(const Configuration& configuration, const LostBatches& loss) {
  batch_ = loss.last;
  stretch_.clear();
  for (const ShardRow& row : configuration.shards) {
    if (!row.shard.open()) continue;
    const std::int64_t next = next_sequence(row) + loss.records;
    at(row.shard.id.number()).next_sequence = next;
  }
}

void Tail::limit_arrivals(Timestamp latest) {
  last_arrival_ = std::min(last_arrival_, latest);
  for (ShardTail& tail : shards_) {
    if (tail.last_arrival) tail.last_arrival = std::min(*tail.last_arrival, latest);
  }
}

bool Tail::index_due() const {
  return batches_since_index_ >= index_batches || bytes_since_index_ >= index_bytes;
}

void Tail::index_written() {
  indexed_batch_ = batch_;
  stretch_.clear();
  batches_since_index_ = 0;
  bytes_since_index_ = 0;
}

std::optional<Stretch> Tail::stretch() const {
  if (stretch_.empty()) return std::nullopt;
  return Stretch(batch_, stretch_);
}

std::string Tail::encode() const {
  std::string tails;
  const auto append = [&tails](std::int64_t number) { append_varint(tails, static_cast<std::uint64_t>(number)); };
  std::int64_t least = 0;
  for (const ShardTail& tail : shards_) {
    const Timestamp last_arrival = std::min(tail.last_arrival.value_or(Timestamp{}), last_arrival_);
    append(tail.shard - least);
    append(tail.next_sequence);
    append(tail.records);
    append(tail.bytes);
    append(tail.appends);
    append(Duration(last_arrival_ - last_arrival).count());
    least = tail.shard + 1;
  }
  return tails;
}

Tail Tail::decode(std::int64_t batch, Timestamp last_arrival, std::string_view tails) {
  Tail result;
  result.batch_ = stored_number("batch", batch, 0, most_counted);
  result.indexed_batch_ = batch;
  result.last_arrival_ = last_arrival;
  std::int64_t least = 0;
  while (!tails.empty()) {
    const auto take = [&tails](std::string_view name, std::int64_t at_least, std::int64_t at_most) {
      return stored_number(name, static_cast<std::int64_t>(take_varint(tails)), at_least, at_most);
    };
    ShardTail tail;
    tail.shard = least + take("tails: shard", 0, std::numeric_limits<std::uint32_t>::max() - least);
    least = tail.shard + 1;
    tail.next_sequence = take("tails: next sequence", 1, most_counted);
    tail.records = take("tails: records", 0, tail.next_sequence - 1);
    tail.bytes = take("tails: bytes", 0, most_counted);
    tail.appends = take("tails: appends", 0, tail.records);
    // By how much it is earlier than the arrival of the batch.
    const std::int64_t earlier = take("tails: last arrival", 0, most_counted);
    tail.last_arrival = stored_time("tails: last arrival", last_arrival.time_since_epoch().count() - earlier);
    result.shards_.push_back(tail);
  }
  return result;
}

Tail read_indexed_tail(SQLite::Statement& row) {
  const std::int64_t batch = row.getColumn(0).getInt64();
  try {
    const Timestamp last_arrival = stored_time("arrived_at", row.getColumn(1).getInt64());
    const SQLite::Column column = row.getColumn(2);
    const std::string_view tails(static_cast<const char*>(column.getBlob()),
                                 static_cast<std::size_t>(column.getBytes()));
    if (row.getColumn(3).getInt64() != index_checksum(batch, last_arrival, tails)) throw_corrupt("checksum mismatch");
    return Tail::decode(batch, last_arrival, tails);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("index after batch {}: {}", batch, error.what()));
  }
}

namespace {

void store_tail(Database& database, const Tail& tail, const std::string& sql) {
  const std::string tails = tail.encode();
  execute(database, sql, tail.batch(), tail.last_arrival(), Blob(tails),
          index_checksum(tail.batch(), tail.last_arrival(), tails));
}

std::int64_t newest_indexed_batch(Database& database) {
  return database.number("SELECT ifnull(max(batch), 0) FROM batch_index");
}

/// Throws corrupt if the batch before the index row is missing without an accepted loss. REQUIRES: the index has a row
Tail load_newest_indexed_tail(Database& database, const Configuration& configuration) {
  Prepared row(database, fmt::format("SELECT {}, (SELECT ifnull(max(id), 0) FROM batches) FROM batch_index "
                                     "ORDER BY batch DESC LIMIT 1",
                                     indexed_tail_columns));
  row.executeStep();
  Tail tail = read_indexed_tail(row);
  const bool is_lost = std::any_of(configuration.losses.begin(), configuration.losses.end(),
                                   [&](const LostBatches& loss) { return loss.last == tail.batch(); });
  if (tail.batch() > row.getColumn(4).getInt64() && !is_lost)
    throw_corrupt(fmt::format("batch {} is missing", tail.batch()));
  return tail;
}

}  // namespace

void write_index_row(Database& database, const Tail& tail) {
  store_tail(database, tail, insert_into("batch_index"));
  if (const auto stretch = tail.stretch()) write_stretch(database, *stretch);
}

void replace_index_row(Database& database, const Tail& tail) {
  store_tail(database, tail, upsert_into("batch_index"));
}

void create_horizon(Database& database) {
  store_tail(database, Tail(), insert_into("trim_horizon"));
}

Tail read_horizon(Database& database) {
  Prepared row(database, fmt::format("SELECT {} FROM trim_horizon", indexed_tail_columns));
  if (!row.executeStep()) throw_corrupt("the trim horizon is missing");
  try {
    Tail horizon = read_indexed_tail(row);
    if (row.executeStep()) throw_corrupt("it is stored twice");
    return horizon;
  } catch (const Error& error) {
    throw Error(error.code(), std::string("trim horizon: ") + error.what());
  }
}

Tail load_horizon(Database& database) {
  Tail horizon = read_horizon(database);
  Prepared earlier(database, "SELECT 1 FROM batches WHERE id <= ? LIMIT 1");
  earlier.bind(1, horizon.batch());
  if (earlier.executeStep()) {
    throw_corrupt(
        fmt::format("trim horizon: it is after batch {}, and an earlier one is still there", horizon.batch()));
  }
  return horizon;
}

void store_horizon(Database& database, const Tail& tail) {
  store_tail(database, tail, "UPDATE trim_horizon SET batch = ?, arrived_at = ?, tails = ?, checksum = ?");
}

NewestBatch newest_batch(Database& database, const Configuration& configuration) {
  NewestBatch newest;
  Prepared rows(database, fmt::format("SELECT {} FROM batches ORDER BY id DESC LIMIT 1", batch_row_columns));
  if (rows.executeStep()) {
    const BatchRow row = read_batch_row(rows);
    newest = {row.id, row.arrived_at};
  } else {
    const Tail horizon = load_horizon(database);
    newest = {horizon.batch(), horizon.last_arrival()};
  }
  for (const LostBatches& loss : configuration.losses) {
    if (loss.after == newest.id) newest.id = loss.last;
  }
  const std::int64_t indexed = newest_indexed_batch(database);
  if (indexed > newest.id) throw_corrupt(fmt::format("batch {} is missing", indexed));
  return newest;
}

std::vector<Tail> load_indexed_tails(Database& database, std::int64_t after, std::int64_t last) {
  Prepared rows(database, fmt::format("SELECT {} FROM batch_index WHERE batch > ? AND batch <= ? ORDER BY batch",
                                      indexed_tail_columns));
  rows.bind(1, after);
  rows.bind(2, last);
  std::vector<Tail> tails;
  while (rows.executeStep()) tails.push_back(read_indexed_tail(rows));
  return tails;
}

Tail load_indexed_tail(Database& database, Tail start, const std::function<bool(const Tail&)>& early_enough) {
  Prepared newest_below(
      database, fmt::format("SELECT {} FROM batch_index WHERE batch <= ? AND batch > ? ORDER BY batch DESC LIMIT 1",
                            indexed_tail_columns));
  std::int64_t low = start.batch();  // every row up to here is early enough
  std::int64_t high = newest_indexed_batch(database);
  while (low < high) {
    const std::int64_t middle = std::midpoint(high, low);  // the upper one of two
    newest_below.reset();
    newest_below.bind(1, middle);
    newest_below.bind(2, low);
    if (!newest_below.executeStep()) {
      low = middle;
      continue;
    }
    Tail tail = read_indexed_tail(newest_below);
    if (early_enough(tail)) {
      start = std::move(tail);
      low = middle;
    } else {
      high = tail.batch() - 1;
    }
  }
  return start;
}

const ShardRow& shard_of(const Configuration& configuration, std::int64_t shard) {
  const auto& shards = configuration.shards;  // shard n is the n-th of them
  if (shard < 0 || shard >= std::ssize(shards)) {
    throw_corrupt(fmt::format("a batch is of shard {}, which the stream does not have", shard));
  }
  return shards[static_cast<std::size_t>(shard)];
}

TailScan::TailScan(Database& database)
    : database_(database),
      newest_tails_(database,
                    "SELECT (SELECT batch FROM trim_horizon LIMIT 1), (SELECT ifnull(max(batch), 0) FROM batch_index)"),
      rows_(database, fmt::format("SELECT {} FROM batches WHERE id > ? ORDER BY id", batch_row_columns)) {}

void TailScan::catch_up(const Configuration& configuration, Tail& tail) {
  newest_tails_.tryReset();  // after an error, either statement may still need a reset
  rows_.tryReset();
  newest_tails_.executeStep();
  if (newest_tails_.isColumnNull(0)) throw_corrupt("the trim horizon is missing");
  const std::int64_t horizon = newest_tails_.getColumn(0).getInt64();
  const std::int64_t indexed = newest_tails_.getColumn(1).getInt64();
  newest_tails_.reset();
  if (indexed > tail.indexed_batch() && indexed >= tail.batch()) {
    tail = load_newest_indexed_tail(database_, configuration);
  }
  if (tail.batch() < horizon) tail = load_horizon(database_);
  if (tail.indexed_batch() == tail.batch()) tail.count_numbers(configuration);
  rows_.bind(1, tail.batch());
  while (rows_.executeStep()) {
    const BatchRow row = read_batch_row(rows_);
    tail.advance(row, shard_of(configuration, row.shard));
  }
  rows_.reset();
}

}  // namespace shardlog::sqlite
