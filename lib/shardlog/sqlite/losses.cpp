#include "shardlog/sqlite/losses.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>

#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

/// The tail in the index row right after a batch.
Tail indexed_tail_at(Database& database, std::int64_t batch) {
  std::vector<Tail> found = load_indexed_tails(database, batch - 1, batch);
  if (found.empty()) throw_corrupt(fmt::format("index before batch {} is missing", batch + 1));
  return std::move(found.front());
}

/// ", with 3 records", or empty if other damage keeps them from being counted.
std::string lost_records(Database& database, const DurableMark& mark) {
  try {
    Tail tail;
    TailScan(database).catch_up(load_configuration(database, Access::read), tail);
    const std::int64_t records = mark.numbers - tail.numbers();
    return records > 0 ? fmt::format(", with {} record{}", records, records == 1 ? "" : "s") : "";
  } catch (const Error&) {
    return "";
  } catch (const SQLite::Exception&) {
    return "";
  }
}

}  // namespace

std::int64_t newest_known_batch(Database& database) {
  return database.number(
      "SELECT max(ifnull((SELECT max(id) FROM batches), 0), ifnull((SELECT max(batch) FROM batch_index), 0), "
      "ifnull((SELECT batch FROM trim_horizon LIMIT 1), 0))");
}

Error lost_tail(Database& database, const DurableMark& mark) {
  const std::int64_t first = newest_known_batch(database) + 1;
  const std::string batches =
      first == mark.batch ? fmt::format("batch {}", first) : fmt::format("batches {} to {}", first, mark.batch);
  return {ErrorCode::corrupt, fmt::format("the end is missing: {}{}", batches, lost_records(database, mark))};
}

void accept_loss(Database& database, Configuration& configuration, const std::optional<DurableMark>& mark,
                 Timestamp now) {
  if (!mark || newest_known_batch(database) >= mark->batch) return;
  Tail tail;
  TailScan(database).catch_up(configuration, tail);
  const std::int64_t batches = mark->batch - tail.batch();
  const LostBatches loss{tail.batch(), mark->batch, std::max(mark->numbers - tail.numbers(), batches), now};
  if (tail.batch() != load_horizon(database).batch()) replace_index_row(database, tail);
  if (const auto stretch = tail.stretch()) write_stretch(database, *stretch);
  tail.lose(configuration, loss);
  write_index_row(database, tail);
  configuration.losses.push_back(loss);
  configuration.features.insert_or_assign(std::string(feature_loss), incompatible);
}

void pass_loss(Database& database, const Configuration& configuration, Tail& tail) {
  for (const LostBatches& loss : configuration.losses) {
    if (loss.after != tail.batch()) continue;
    tail = indexed_tail_at(database, loss.last);
    tail.count_numbers(configuration);
  }
}

void advance(Database& database, const Configuration& configuration, Tail& tail, const BatchRow& row) {
  if (row.id > tail.batch() + 1) pass_loss(database, configuration, tail);
  tail.advance(row, shard_of(configuration, row.shard));
}

LostNumbers::LostNumbers(Database& database, const Configuration& configuration) {
  if (configuration.losses.empty()) return;
  const Tail horizon = load_horizon(database);
  for (const LostBatches& loss : configuration.losses) {
    if (loss.last <= horizon.batch()) continue;
    losses_.emplace_back(loss.after == horizon.batch() ? horizon : indexed_tail_at(database, loss.after),
                         indexed_tail_at(database, loss.last));
  }
}

std::int64_t LostNumbers::within(const ShardRow& row, std::int64_t first, std::int64_t end) const {
  std::int64_t count = 0;
  for (const auto& [before, after] : losses_) {
    count +=
        std::max(std::min(after.next_sequence(row), end) - std::max(before.next_sequence(row), first), std::int64_t{0});
  }
  return count;
}

std::int64_t LostNumbers::first_kept(const ShardRow& row, std::int64_t first) const {
  for (const auto& [before, after] : losses_) {
    if (before.next_sequence(row) <= first) first = std::max(first, after.next_sequence(row));
  }
  return first;
}

std::int64_t LostNumbers::last_kept(const ShardRow& row, std::int64_t end) const {
  for (auto loss = losses_.rbegin(); loss != losses_.rend(); ++loss) {
    if (loss->second.next_sequence(row) >= end) end = std::min(end, loss->first.next_sequence(row));
  }
  return end - 1;
}

}  // namespace shardlog::sqlite
