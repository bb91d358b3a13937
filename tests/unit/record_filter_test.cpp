#include "tools/stream-get/record_filter.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace shardlog::cli {
namespace {

using Runs = std::vector<RecordRun>;
using Keys = std::vector<std::optional<std::string>>;

constexpr auto all = std::numeric_limits<std::uint64_t>::max();

/// A batch of records with these keys, of which `count` from `first` on were asked for.
StoredBatch batch_of(const Keys& keys, std::size_t first, std::size_t count) {
  std::vector<Record> records;
  records.reserve(keys.size());
  for (const auto& key : keys) records.push_back({"data", key});
  return {ShardId(0),
          Arrivals(Timestamp()),
          SequenceRun::dense(1, keys.size()),
          RecordBatch::decode(encode(records).payload),
          first,
          count};
}

StoredBatch keyless(std::size_t size) {
  return batch_of(Keys(size), 0, size);
}

Runs selected(RecordFilter& filter, const StoredBatch& batch) {
  const auto runs = filter.select(batch);
  return {runs.begin(), runs.end()};
}

TEST(RecordFilter, WithoutConditionsKeepsTheWholeBatch) {
  RecordFilter filter({}, std::nullopt, all);
  EXPECT_EQ(selected(filter, keyless(5)), (Runs{{0, 5}}));
  EXPECT_FALSE(filter.done());
}

TEST(RecordFilter, KeepsOnlyWhatTheReadAskedFor) {
  RecordFilter filter({}, std::nullopt, all);
  EXPECT_EQ(selected(filter, batch_of(Keys(5), 1, 3)), (Runs{{1, 3}}));
  EXPECT_EQ(selected(filter, batch_of(Keys(5), 4, 1)), (Runs{{4, 1}}));
  EXPECT_EQ(selected(filter, batch_of(Keys(5), 2, 0)), Runs{});
}

TEST(RecordFilter, CountsAcrossBatches) {
  RecordFilter filter({}, std::nullopt, 7);
  EXPECT_EQ(selected(filter, keyless(5)), (Runs{{0, 5}}));
  EXPECT_EQ(selected(filter, batch_of(Keys(5), 1, 4)), (Runs{{1, 2}}));
  EXPECT_TRUE(filter.done());
  EXPECT_EQ(selected(filter, keyless(5)), Runs{});
}

TEST(RecordFilter, ACountOfZeroIsDoneAtOnce) {
  EXPECT_TRUE(RecordFilter({}, std::nullopt, 0).done());
}

TEST(RecordFilter, KeepsRunsOfOneKey) {
  const Keys keys{"a", "a", "b", std::nullopt, "a", "aa", "", "a"};
  RecordFilter filter({"a"}, std::nullopt, all);
  EXPECT_EQ(selected(filter, batch_of(keys, 0, 8)), (Runs{{0, 2}, {4, 1}, {7, 1}}));
  EXPECT_EQ(selected(filter, batch_of(keys, 1, 4)), (Runs{{1, 1}, {4, 1}}));
  EXPECT_EQ(selected(filter, batch_of(keys, 2, 2)), Runs{});
}

TEST(RecordFilter, KeepsRunsOfSeveralKeys) {
  const Keys keys{"b", "a", "c", std::nullopt, "a", "ab", "", "b"};
  RecordFilter filter({"b", "a", "b"}, std::nullopt, all);
  EXPECT_EQ(selected(filter, batch_of(keys, 0, 8)), (Runs{{0, 2}, {4, 1}, {7, 1}}));
}

TEST(RecordFilter, CountsOnlyRecordsWithTheKey) {
  RecordFilter filter({"a"}, std::nullopt, 2);
  EXPECT_EQ(selected(filter, batch_of({"b", "a", "b", "a", "a"}, 0, 5)), (Runs{{1, 1}, {3, 1}}));
  EXPECT_TRUE(filter.done());
}

TEST(RecordFilter, SamplesOnlyRecordsWithTheKey) {
  RecordFilter filter({"a"}, Sampler(50, Sampler::By::record), all);
  const Keys keys{"a", "b", "a", "b", "a", "b", "a", "b"};
  EXPECT_EQ(selected(filter, batch_of(keys, 0, 8)), (Runs{{2, 1}, {6, 1}}));
}

TEST(RecordFilter, ASampleGoesOnFromBatchToBatch) {
  RecordFilter filter({}, Sampler(25, Sampler::By::record), all);
  EXPECT_EQ(selected(filter, keyless(3)), Runs{});
  EXPECT_EQ(selected(filter, keyless(3)), (Runs{{0, 1}}));
  EXPECT_EQ(selected(filter, keyless(3)), (Runs{{1, 1}}));
}

}  // namespace
}  // namespace shardlog::cli
