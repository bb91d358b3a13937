#include "shardlog/capacity/sizing.h"

#include <gtest/gtest.h>

namespace shardlog::capacity {
namespace {

constexpr double million = 1e6;
constexpr double a_mebibyte = 1 << 20;

ShardsNeeded kinesis_shards(const Demand& demand) {
  return shards_for(demand, kinesis_limits());
}

// By hand: records / 1000, MiB in, and readers x MiB / 2, each rounded up.
TEST(Sizing, ShardsAreThoseOfTheScarcestLimit) {
  EXPECT_EQ(kinesis_shards({million, 100 * million}), (ShardsNeeded{1000, 96, 48}));
  EXPECT_EQ(kinesis_shards({million, 1024 * million}), (ShardsNeeded{1000, 977, 489}));
  EXPECT_EQ(kinesis_shards({100 * million, 10'000 * million}).total(), 100'000U);
  EXPECT_EQ(kinesis_shards({100 * million, 10'000 * million}).aggregated(), 9537U);
  EXPECT_EQ(kinesis_shards({100 * million, 102'400 * million}).aggregated(), 97'657U);
}

TEST(Sizing, ReadersNeedShardsToo) {
  EXPECT_EQ(kinesis_shards({10, 10 * a_mebibyte, 1}), (ShardsNeeded{1, 10, 5}));
  EXPECT_EQ(kinesis_shards({10, 10 * a_mebibyte, 5}).total(), 25U);
  EXPECT_EQ(kinesis_shards({10, 10 * a_mebibyte, 0}).for_readers, 0U);
}

TEST(Sizing, AtTheLimitNoShardMoreIsNeeded) {
  EXPECT_EQ(kinesis_shards({3000, 3 * a_mebibyte, 2}), (ShardsNeeded{3, 3, 3}));
  EXPECT_EQ(kinesis_shards({3001, 3 * a_mebibyte + 1, 2}), (ShardsNeeded{4, 4, 4}));
}

TEST(Sizing, ThereIsAlwaysOne) {
  EXPECT_EQ(kinesis_shards({}).total(), 1U);
  EXPECT_EQ(shards_for({million, million}, {}).total(), 1U) << "without limits";
  EXPECT_EQ(machines_for({}, {million, million}), 1U);
}

TEST(Sizing, MachinesAreUsedTo70Percent) {
  const MachineRate machine{1 * million, 100 * million};
  EXPECT_EQ(machines_for({0.7 * million, 70 * million}, machine), 1U);
  EXPECT_EQ(machines_for({million, 100 * million}, machine), 2U);
  EXPECT_EQ(machines_for({million, 1024 * million}, machine), 15U);
  EXPECT_EQ(machines_for({100 * million, 10'000 * million}, machine), 143U);
  EXPECT_EQ(machines_for({100 * million, 102'400 * million}, machine), 1463U);
  EXPECT_EQ(machines_for({100 * million, 10'000 * million}, {2.5 * million}), 58U);
}

}  // namespace
}  // namespace shardlog::capacity
