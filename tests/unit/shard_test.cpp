#include "shardlog/core/shard.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace shardlog {
namespace {

TEST(ShardId, IsWrittenWithTwelveDigits) {
  EXPECT_EQ(ShardId(0).to_string(), "shardId-000000000000");
  EXPECT_EQ(ShardId(3).to_string(), "shardId-000000000003");
  EXPECT_EQ(ShardId(4'294'967'295).to_string(), "shardId-004294967295");
}

TEST(ShardId, ParsesTheWrittenForm) {
  EXPECT_EQ(ShardId::parse("shardId-000000000000"), ShardId(0));
  EXPECT_EQ(ShardId::parse("shardId-000000000003"), ShardId(3));
  EXPECT_EQ(ShardId::parse("shardId-004294967295"), ShardId(4'294'967'295));
}

TEST(ShardId, ParsesThePlainNumber) {
  EXPECT_EQ(ShardId::parse("0"), ShardId(0));
  EXPECT_EQ(ShardId::parse("3"), ShardId(3));
  EXPECT_EQ(ShardId::parse("4294967295"), ShardId(4'294'967'295));
}

TEST(ShardId, RefusesOneOverTheLargest) {
  EXPECT_EQ(ShardId::parse("4294967296"), std::nullopt);
  EXPECT_EQ(ShardId::parse("shardId-004294967296"), std::nullopt);
  EXPECT_EQ(ShardId::parse("shardId-999999999999"), std::nullopt);
  EXPECT_EQ(ShardId::parse("18446744073709551616"), std::nullopt);
  EXPECT_EQ(ShardId::parse(std::string(400, '9')), std::nullopt);
}

TEST(ShardId, RefusesOtherNumbersOfDigits) {
  EXPECT_EQ(ShardId::parse("shardId-"), std::nullopt);
  EXPECT_EQ(ShardId::parse("shardId-3"), std::nullopt);
  EXPECT_EQ(ShardId::parse("shardId-00000000003"), std::nullopt);
  EXPECT_EQ(ShardId::parse("shardId-0000000000003"), std::nullopt);
}

TEST(ShardId, RefusesWhatIsNeither) {
  for (const char* text :
       {"", " ", "-1", "+1", " 1", "1 ", "1\n", "1.0", "0x1", "a", "1a", "shardid-000000000003", "shardId_000000000003",
        "shardId-00000000000a", "shardId-+00000000003", " shardId-000000000003"}) {
    EXPECT_EQ(ShardId::parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(ShardId::parse(std::string_view("3\0", 2)), std::nullopt);
  EXPECT_EQ(ShardId::parse(std::string_view("shardId-00000000000\0", 20)), std::nullopt);
  EXPECT_EQ(ShardId::parse(std::string_view("shardId-000000000003\0", 21)), std::nullopt);
}

TEST(ShardId, ComparesAsANumber) {
  EXPECT_LT(ShardId(9), ShardId(10));
}

TEST(Shard, IsOpenUntilItIsClosed) {
  Shard shard{ShardId(0), {HashKey(), max_hash_key}, Timestamp()};
  EXPECT_TRUE(shard.open());
  shard.closed_at = Timestamp();
  EXPECT_FALSE(shard.open());
}

}  // namespace
}  // namespace shardlog
