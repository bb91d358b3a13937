#include "shardlog/metrics/measures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/refusal.h"

namespace shardlog::metrics {
namespace {

using namespace std::chrono_literals;
using test::refusal;

Measures sample() {
  Measures measures;
  measures.shards[ShardId(0)].out = {1, 2, 3};
  measures.shards[ShardId(7)] = {{1, 20, 1}, {2, 40, 2}, {3, 60, 3}, {4, 80, 4}, {0, 0, 5}};
  measures.shards[ShardId(UINT32_MAX)].dropped = {1U << 20, 1, 0};
  measures.put.add(3ms, 4);
  measures.readers[""].out = {5, 6, 7};
  ReaderMeasures& consumer = measures.readers["11111111-2222-4333-8444-555555555555"];
  consumer.throttled.calls = 2;
  consumer.read.add(200us);
  consumer.propagation.add(1ms, 9);
  consumer.age.add(1h, 10);
  consumer.skewed = 3;
  consumer.processed = 11;
  return measures;
}

TEST(MeasuresTest, ComeBackAsTheyWereStored) {
  EXPECT_EQ(Measures::decode(sample().encode()), sample());
  EXPECT_EQ(Measures::decode(Measures().encode()), Measures());
  EXPECT_TRUE(Measures().empty());
  EXPECT_FALSE(sample().empty());
}

TEST(MeasuresTest, OfAShardWithoutCountsAreNotStored) {
  Measures measures = sample();
  measures.shards[ShardId(3)];
  EXPECT_EQ(Measures::decode(measures.encode()), sample());
}

TEST(MeasuresTest, OfTooManyShardsOrReadersAreRefusedBeforeTheyTakeMemory) {
  Measures measures;
  for (std::uint32_t shard = 0; shard < 100'000; ++shard) measures.shards[ShardId(shard)].in.records = 1;
  for (int reader = 0; reader < 10'000; ++reader) measures.readers[std::to_string(reader)].processed = 1;
  ASSERT_TRUE(measures.is_storable());
  EXPECT_EQ(Measures::decode(measures.encode()), measures);
  Measures more_shards = measures;
  more_shards.shards[ShardId(100'000)].in.records = 1;
  Measures more_readers = measures;
  more_readers.readers["another"].processed = 1;
  for (const Measures& each : {more_shards, more_readers}) {
    EXPECT_FALSE(each.is_storable());
    EXPECT_EQ(refusal([&] { Measures::decode(each.encode()); }), ErrorCode::corrupt);
  }
}

TEST(MeasuresTest, AddUp) {
  Measures sum = sample();
  sum += sample();
  sum += Measures();
  EXPECT_EQ(sum.shards[ShardId(7)].throttled, (Counts{6, 120, 6}));
  EXPECT_EQ(sum.shards[ShardId(7)].reads_throttled.calls, 10U);
  EXPECT_EQ(sum.put.count(), 8U);
  EXPECT_EQ(sum.readers.at("").out, (Counts{10, 12, 14}));
  const ReaderMeasures& consumer = sum.readers.at("11111111-2222-4333-8444-555555555555");
  EXPECT_EQ(consumer.propagation.count(), 18U);
  EXPECT_EQ(consumer.age.max(), 1h);
  EXPECT_EQ(consumer.skewed, 6U);
  EXPECT_EQ(consumer.processed, 22U);
}

TEST(MeasuresTest, StopCountingBeforeTheyOverflow) {
  constexpr std::uint64_t most = (std::uint64_t{1} << 61) - 1;
  Measures sum;
  sum.shards[ShardId(0)].in.bytes = most - 1;
  for (int i = 0; i < 3; ++i) sum += Measures(sum);
  EXPECT_EQ(sum.shards[ShardId(0)].in.bytes, most);
  EXPECT_EQ(Measures::decode(sum.encode()), sum);
}

TEST(MeasuresTest, OfAThousandShardsAndTenConsumersFitInto64KiB) {
  Measures measures;
  for (std::uint32_t shard = 0; shard < 1000; ++shard) {
    const std::uint64_t records = 60'000 + shard;
    measures.shards[ShardId(shard)] = {{}, {10 * records, 1000 * records, 600}, {records, 100 * records, 60}, {}, {}};
  }
  for (int i = 0; i < 10; ++i) {
    ReaderMeasures& reader = measures.readers["11111111-2222-4333-8444-55555555555" + std::to_string(i)];
    for (int j = 0; j < 1000; ++j) {
      reader.read.add(Duration(100 + j * j / 100));
      reader.propagation.add(Duration(300 + j * j / 10), 7);
      reader.age.add(Duration(300 + j * j), 7);
    }
  }
  EXPECT_LE(measures.encode().size(), 64U * 1024);
}

TEST(MeasuresTest, AreRefusedUnlessTheyAreWhole) {
  const auto fate = [](std::string_view bytes) { return refusal([&] { Measures::decode(bytes); }); };
  const std::string whole = sample().encode();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(fate(whole.substr(0, size)), ErrorCode::corrupt) << "cut off after " << size;
  }
  EXPECT_EQ(fate(whole + '\0'), ErrorCode::corrupt);
  EXPECT_EQ(whole[0], '\2');
  for (const char form : {'\1', '\3'}) EXPECT_EQ(fate(form + whole.substr(1)), ErrorCode::corrupt) << "another form";
  const auto text = [](std::string_view bytes) { return std::string(bytes); };
  using namespace std::string_view_literals;
  EXPECT_EQ(fate(text("\2\1\0\x20"sv)), ErrorCode::corrupt) << "a sixth kind of count";
  EXPECT_EQ(fate(text("\2\1\0\0\0\0"sv)), ErrorCode::corrupt) << "a shard without counts";
  EXPECT_EQ(fate(text("\2\1\0\1\0\0\0\0\0"sv)), ErrorCode::corrupt) << "a shard whose counts are 0";
  EXPECT_EQ(fate(text("\2\2\xff\xff\xff\xff\x0f\1\1\0\0\0\1\1\0\0\0\0"sv)), ErrorCode::corrupt)
      << "a shard after the last one";
  EXPECT_EQ(fate(text("\2\0\0\2\1b\0\0\0\0\0\0\0\0\0\0\0\1a\0\0\0\0\0\0\0\0\0\0\0"sv)), ErrorCode::corrupt) << "b, a";
  EXPECT_EQ(fate(text("\2\0\0\2\1a\0\0\0\0\0\0\0\0\0\0\0\1b\0\0\0\0\0\0\0\0\0\0\0"sv)), std::nullopt) << "a, b";
}

}  // namespace
}  // namespace shardlog::metrics
