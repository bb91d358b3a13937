#include "shardlog/sqlite/statistics.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <map>
#include <optional>

#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

/// When the first record of each shard arrived. Most shards have theirs among the first batches; for one that has not,
/// the index tells between which batches it is.
class FirstArrivals {
 public:
  FirstArrivals(SQLite::Database& database, const Tail& tail) : database_(database), missing_(tail.shards().size()) {}

  std::map<std::int64_t, Timestamp> find() {
    SQLite::Statement index(database_, fmt::format("SELECT {} FROM batch_index ORDER BY batch", indexed_tail_columns));
    std::int64_t before = 0;
    while (missing_ > found_.size() && index.executeStep()) {
      const Tail tail = read_indexed_tail(index);
      const bool news = std::any_of(tail.shards().begin(), tail.shards().end(),
                                    [this](const auto& entry) { return !found_.contains(entry.first); });
      if (news) scan(before, tail.batch());
      before = tail.batch();
    }
    if (missing_ > found_.size()) scan(before, std::numeric_limits<std::int64_t>::max());
    return std::move(found_);
  }

 private:
  void scan(std::int64_t after, std::int64_t last) {
    SQLite::Statement rows(
        database_, fmt::format("SELECT {} FROM batches WHERE id > ? AND id <= ? ORDER BY id", batch_row_columns));
    rows.bind(1, after);
    rows.bind(2, last);
    while (missing_ > found_.size() && rows.executeStep()) {
      const BatchRow row = read_batch_row(rows);
      found_.emplace(row.shard, row.arrived_at);
    }
  }

  SQLite::Database& database_;
  std::size_t missing_;
  std::map<std::int64_t, Timestamp> found_;
};

}  // namespace

std::vector<ShardStatistics> shard_statistics(SQLite::Database& database, const Configuration& configuration) {
  Tail tail;
  TailScan(database).catch_up(configuration, tail);
  const std::map<std::int64_t, Timestamp> first_arrivals = FirstArrivals(database, tail).find();
  const auto sequence = [](std::int64_t number) { return SequenceNumber(static_cast<std::uint64_t>(number)); };

  std::vector<ShardStatistics> statistics;
  for (const ShardRow& row : configuration.shards) {
    ShardStatistics shard{row.shard};
    if (const auto found = tail.shards().find(row.shard.id.number()); found != tail.shards().end()) {
      const ShardTail& at_end = found->second;
      shard.records = static_cast<std::uint64_t>(at_end.next_sequence - row.first_sequence);
      shard.bytes = static_cast<std::uint64_t>(at_end.bytes);
      shard.first = {sequence(row.first_sequence), first_arrivals.at(found->first)};
      shard.last = {sequence(at_end.next_sequence - 1), at_end.last_arrival.value_or(Timestamp{})};
    }
    statistics.push_back(std::move(shard));
  }
  return statistics;
}

}  // namespace shardlog::sqlite
