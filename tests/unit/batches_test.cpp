#include "shardlog/consuming/batches.h"

#include <gtest/gtest.h>

#include <string>

#include "support/notes.h"

namespace shardlog::consuming {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const StoredBatch> stored(std::uint32_t shard, std::uint64_t first,
                                          const std::vector<std::string>& data) {
  std::vector<Record> records;
  for (const std::string& each : data) records.push_back({each, std::nullopt});
  return std::make_shared<const StoredBatch>(StoredBatch{ShardId(shard), Arrivals(Timestamp(Duration(first))),
                                                         SequenceRun::dense(first, data.size()),
                                                         RecordBatch::decode(encode(records).payload), 0, data.size()});
}

/// The data of the records of a piece, or "gap first-last".
std::vector<std::string> text(const Batches::Piece& piece) {
  if (const auto* gap = std::get_if<Gap>(&piece))
    return {"gap " + gap->first.to_string() + "-" + gap->last.to_string()};
  return test::data_of(std::get<std::vector<Slice>>(piece));
}
using Text = std::vector<std::string>;

constexpr ShardId zero(0);
constexpr ShardId one(1);

TEST(Batches, AreCutByRecordsAcrossStoredBatches) {
  Batches batches({3, 1000, 0s});
  batches.add(zero, {stored(0, 1, {"a", "b"}), 0, 2}, 0s);
  EXPECT_FALSE(batches.full());
  batches.add(zero, {stored(0, 3, {"c", "d", "e"}), 0, 3}, 0s);
  EXPECT_EQ(batches.full(), zero);
  EXPECT_EQ(text(batches.take(zero)), (Text{"a", "b", "c"}));
  EXPECT_FALSE(batches.full());
  EXPECT_EQ(text(batches.take(zero)), (Text{"d", "e"}));
  EXPECT_TRUE(batches.empty(zero));
  EXPECT_EQ(batches.memory(), 0U);
}

TEST(Batches, AreCutByBytes) {
  Batches batches({100, 5, 0s});
  batches.add(zero, {stored(0, 1, {"aa", "bb", "c", "d", "eeeeee", "", "f"}), 0, 7}, 0s);
  EXPECT_EQ(text(batches.take(zero)), (Text{"aa", "bb", "c"}));
  EXPECT_EQ(text(batches.take(zero)), Text{"d"});
  EXPECT_EQ(text(batches.take(zero)), Text{"eeeeee"}) << "larger than a batch";
  EXPECT_FALSE(batches.full());
  EXPECT_EQ(text(batches.take(zero)), (Text{"", "f"}));
}

TEST(Batches, OfPartOfAStoredBatchHaveThatPartOnly) {
  Batches batches({2, 1000, 0s});
  batches.add(zero, {stored(0, 1, {"a", "b", "c", "d", "e"}), 1, 3}, 0s);
  EXPECT_EQ(text(batches.take(zero)), (Text{"b", "c"}));
  EXPECT_EQ(text(batches.take(zero)), Text{"d"});
  EXPECT_TRUE(batches.empty());
}

TEST(Batches, AreCutByAGap) {
  Batches batches({100, 1000, 1h});
  batches.add(zero, {stored(0, 1, {"a"}), 0, 1}, 0s);
  EXPECT_FALSE(batches.full());
  batches.add({zero, SequenceNumber(2), SequenceNumber(4)}, 0s);
  batches.add(zero, {stored(0, 5, {"b"}), 0, 1}, 0s);
  EXPECT_EQ(batches.full(), zero);
  EXPECT_EQ(text(batches.take(zero)), Text{"a"});
  EXPECT_EQ(text(batches.take(zero)), Text{"gap 2-4"});
  EXPECT_FALSE(batches.full());
  EXPECT_EQ(text(batches.take(zero)), Text{"b"});
}

TEST(Batches, WaitToBeFullFromTheirFirstRecordOn) {
  Batches batches({100, 1000, 5s});
  batches.begin();
  batches.add(one, {stored(1, 1, {"a"}), 0, 1}, 1s);
  batches.add(zero, {stored(0, 1, {"b"}), 0, 1}, 2s);
  batches.add(one, {stored(1, 2, {"c"}), 0, 1}, 3s);
  EXPECT_EQ(batches.due_at(), 6s);
  EXPECT_FALSE(batches.waited(6s - 1us, true));
  EXPECT_EQ(batches.waited(6s, true), one);
  EXPECT_FALSE(batches.waited(6s, false)) << "more may be there already";
  batches.begin();
  EXPECT_EQ(batches.waited(6s, false), one);
  EXPECT_EQ(text(batches.take(one)), (Text{"a", "c"}));
  EXPECT_EQ(batches.waited(6s, true), std::nullopt);
  EXPECT_EQ(batches.oldest(), zero);
}

TEST(Batches, OfADroppedShardAreGone) {
  Batches batches({1, 1000, 0s});
  batches.add(zero, {stored(0, 1, {"a", "b"}), 0, 2}, 0s);
  batches.add(one, {stored(1, 1, {"c"}), 0, 1}, 0s);
  batches.drop(zero);
  batches.drop(zero);
  EXPECT_EQ(batches.full(), one);
  EXPECT_EQ(text(batches.take(one)), Text{"c"});
  EXPECT_EQ(batches.memory(), 0U);
}

TEST(Batch, KnowsItsRecordsAndPartsOfThem) {
  const Batch batch{zero, 3, 2, {{stored(0, 1, {"a", "bb", "ccc"}), 1, 2}, {stored(0, 4, {"dddd", "e"}), 0, 2}}};
  EXPECT_EQ(batch.records(), 4U);
  EXPECT_EQ(batch.bytes(), 10U);
  EXPECT_EQ(batch.first_sequence(), SequenceNumber(2));
  EXPECT_EQ(batch.last_sequence(), SequenceNumber(5));
  EXPECT_EQ(batch.first_arrival(), Timestamp(1us));
  const Batch middle = batch.part(1, 2);
  EXPECT_EQ(text(middle.slices), (Text{"ccc", "dddd"}));
  EXPECT_EQ(middle.epoch, 3U);
  EXPECT_EQ(middle.generation, 2U);
  EXPECT_EQ(text(batch.part(3, 1).slices), Text{"e"});
  EXPECT_EQ(text(batch.part(0, 2).slices), (Text{"bb", "ccc"}));
  EXPECT_EQ(text(middle.part(1, 1).slices), Text{"dddd"});
}

}  // namespace
}  // namespace shardlog::consuming
