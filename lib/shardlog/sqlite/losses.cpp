#include "shardlog/sqlite/losses.h"

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/lost_tail.h"

namespace shardlog::sqlite {

namespace {

/// The tail that the index has behind a batch.
Tail indexed_tail_at(SQLite::Database& database, std::int64_t batch) {
  std::vector<Tail> found = load_indexed_tails(database, batch - 1, batch);
  if (found.empty()) throw Error(ErrorCode::corrupt, fmt::format("index before batch {} is missing", batch + 1));
  return std::move(found.front());
}

}  // namespace

void accept_loss(SQLite::Database& database, Configuration& configuration, const std::optional<DurableMark>& mark,
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

bool pass_loss(SQLite::Database& database, const Configuration& configuration, Tail& tail) {
  bool passed = false;
  for (const LostBatches& loss : configuration.losses) {
    if (loss.after != tail.batch()) continue;
    tail = indexed_tail_at(database, loss.last);
    tail.count_numbers(configuration);
    passed = true;
  }
  return passed;
}

void advance(SQLite::Database& database, const Configuration& configuration, Tail& tail, const BatchRow& row) {
  if (row.id > tail.batch() + 1) pass_loss(database, configuration, tail);
  tail.advance(row, shard_of(configuration, row.shard));
}

LostNumbers::LostNumbers(SQLite::Database& database, const Configuration& configuration) {
  if (configuration.losses.empty()) return;
  const Tail horizon = load_horizon(database);
  for (const LostBatches& loss : configuration.losses) {
    if (loss.last <= horizon.batch()) continue;
    losses_.emplace_back(loss.after == horizon.batch() ? horizon : indexed_tail_at(database, loss.after),
                         indexed_tail_at(database, loss.last));
  }
}

std::int64_t LostNumbers::within(const ShardRow& row, std::int64_t first, std::int64_t behind) const {
  std::int64_t count = 0;
  for (const auto& [before, after] : losses_) {
    count += std::max(std::min(after.next_sequence(row), behind) - std::max(before.next_sequence(row), first),
                      std::int64_t{0});
  }
  return count;
}

std::int64_t LostNumbers::first_kept(const ShardRow& row, std::int64_t first) const {
  for (const auto& [before, after] : losses_) {
    if (before.next_sequence(row) <= first) first = std::max(first, after.next_sequence(row));
  }
  return first;
}

std::int64_t LostNumbers::last_kept(const ShardRow& row, std::int64_t behind) const {
  for (auto loss = losses_.rbegin(); loss != losses_.rend(); ++loss) {
    if (loss->second.next_sequence(row) >= behind) behind = std::min(behind, loss->first.next_sequence(row));
  }
  return behind - 1;
}

}  // namespace shardlog::sqlite
