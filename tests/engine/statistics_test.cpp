#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::append_all;

using namespace std::chrono_literals;

class Statistics : public test::StreamTest {
 protected:
  ShardStatistics of_shard(std::size_t shard) {
    return open_to_read()->maintenance().statistics(Detail::all).shards.at(shard);
  }
};

TEST_F(Statistics, OfAnEmptyShardHaveNoEnds) {
  create(2);
  EXPECT_EQ(open_to_read()->maintenance().statistics(Detail::all).shards.size(), 2U);
  EXPECT_EQ(of_shard(1).records, 0U);
  EXPECT_EQ(of_shard(1).bytes, 0U);
  EXPECT_FALSE(of_shard(1).first);
  EXPECT_FALSE(of_shard(1).last);
}

TEST_F(Statistics, CountDataAndKeys) {
  create();
  const std::vector<Record> records{{"four", "three"}, {"", std::nullopt}};
  const RoutedBatch batch{ShardId(0), encode(records)};
  append_all(*open_to_write(), {&batch, 1}, Sync::full);
  EXPECT_EQ(of_shard(0).records, 2U);
  EXPECT_EQ(of_shard(0).bytes, 9U);
}

TEST_F(Statistics, HaveTheEndsOfEachShard) {
  create(2);
  const Timestamp start = clock_.now();
  const auto writer = open_to_write();
  put(*writer, 1, {"a", "b"});
  clock_.step(1s);
  put(*writer, 0, {"c"});
  clock_.step(1s);
  put(*writer, 1, {"d"});
  const ShardStatistics shard = of_shard(1);
  ASSERT_TRUE(shard.first && shard.last);
  EXPECT_EQ(shard.first->sequence, SequenceNumber(1));
  EXPECT_EQ(shard.first->arrived_at, start);
  EXPECT_EQ(shard.last->sequence, SequenceNumber(3));
  EXPECT_EQ(shard.last->arrived_at, start + 2s);
}

TEST_F(Statistics, FindTheFirstArrivalOfAShardThatBeganLate) {
  create(3);
  const auto writer = open_to_write();
  for (int i = 0; i < 3; ++i) put(*writer, 0, {std::string(4 * test::mebibyte, 'x')}, Sync::normal);
  clock_.step(1s);
  const Timestamp late = clock_.now();
  put(*writer, 1, {"a"});
  clock_.step(1s);
  for (int i = 0; i < 2; ++i) put(*writer, 0, {std::string(4 * test::mebibyte, 'x')}, Sync::normal);
  put(*writer, 2, {"b"});
  EXPECT_EQ(of_shard(1).first->arrived_at, late);
  EXPECT_EQ(of_shard(2).first->arrived_at, late + 1s);
}

TEST_F(Statistics, DescribeTheNewestBatch) {
  create(2);
  EXPECT_FALSE(open_to_read()->describe().last_arrival);
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  clock_.step(1s);
  put(*writer, 1, {"b"});
  EXPECT_EQ(open_to_read()->describe().turn, 2U);
  EXPECT_EQ(open_to_read()->describe().last_arrival, clock_.now());
}

TEST_F(Statistics, SayWhatTheStreamTakesOnDisk) {
  create();
  const auto writer = open_to_write();
  put(*writer, 0, {std::string(test::mebibyte, 'x')});
  EXPECT_EQ(open_to_read()->maintenance().statistics(Detail::all).stored_bytes,
            std::filesystem::file_size(file("stream.db")) + std::filesystem::file_size(file("stream.db-wal")));
}

}  // namespace
}  // namespace shardlog
