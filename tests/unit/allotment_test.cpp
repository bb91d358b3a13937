#include "shardlog/producing/allotment.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "support/shards.h"

namespace shardlog::producing {
namespace {

using namespace std::chrono_literals;
using capacity::ShardNeed;

const HashKey first_half(0);
const HashKey second_half(~HashKey::Value(0));

class AllotmentTest : public testing::Test {
 protected:
  /// Which of records of 9 bytes and a key of 1 byte are taken.
  static std::vector<bool> take(Allotment& allotment, const std::vector<HashKey>& hash_keys) {
    std::vector<bool> taken;
    for (const HashKey& key : hash_keys) taken.push_back(!allotment.take({"123456789", "k", key}));
    return taken;
  }

  const std::shared_ptr<const ShardMap> two_shards_ = std::make_shared<const ShardMap>(test::even_map(2));
};

TEST_F(AllotmentTest, IsWhatEachShardEarnsInHalfTheTime) {
  Allotment of_bytes({.write_bytes = 10}, 4s, two_shards_);
  EXPECT_EQ(take(of_bytes, {first_half, first_half, first_half, second_half, first_half}),
            (std::vector{true, true, false, true, false}));
  EXPECT_EQ(of_bytes.refused(), (capacity::Step{ShardNeed{ShardId(0), 2, 20}}));
  Allotment of_records({.write_records = 1}, 4s, two_shards_);
  EXPECT_EQ(take(of_records, {second_half, second_half, second_half}), (std::vector{true, true, false}));
  EXPECT_EQ(of_records.refused(), (capacity::Step{ShardNeed{ShardId(1), 1, 10}}));
}

TEST_F(AllotmentTest, LetsTheFirstRecordTry) {
  Allotment allotment({.write_bytes = 1}, 4s, two_shards_);
  EXPECT_EQ(take(allotment, {first_half, first_half, second_half}), (std::vector{true, false, true}));
}

TEST_F(AllotmentTest, HasNoEndWithoutLimitsOrKey) {
  Allotment without_limits({}, 0s, two_shards_);
  EXPECT_EQ(take(without_limits, {first_half, first_half}), (std::vector{true, true}));
  Allotment allotment({.write_bytes = 1}, 4s, two_shards_);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(allotment.take({"123456789", std::nullopt}));
  EXPECT_TRUE(allotment.refused().empty());
}

}  // namespace
}  // namespace shardlog::producing
