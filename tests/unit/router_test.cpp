#include "shardlog/core/router.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/shards.h"

namespace shardlog {
namespace {

using test::closed_shard;
using test::open_shard;
using test::open_shards;

Router route_over(std::uint32_t shards, std::uint64_t turn = 0) {
  return {ShardMap(1, open_shards(even_ranges(shards))), turn};
}

// The first bytes of the MD5 values come from RFC 1321; the thirds of the key space end at 0x55.. and 0xaa..
struct Known {
  std::string key;
  std::size_t half;
  std::size_t third;
};
const std::vector<Known> known_keys{
    {"a", 0, 0},                                                                                 // 0c
    {"abc", 1, 1},                                                                               // 90
    {"message digest", 1, 2},                                                                    // f9
    {"abcdefghijklmnopqrstuvwxyz", 1, 2},                                                        // c3
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 1, 2},                    // d1
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890", 0, 1},  // 57
};

TEST(Router, OneShardTakesEveryKey) {
  Router router = route_over(1);
  for (const Known& known : known_keys) EXPECT_EQ(router.index_of(known.key), 0U);
}

TEST(Router, TwoShardsTakeAHalfEach) {
  Router router = route_over(2);
  for (const Known& known : known_keys) EXPECT_EQ(router.index_of(known.key), known.half) << known.key;
}

TEST(Router, ThreeShardsTakeAThirdEach) {
  Router router = route_over(3);
  for (const Known& known : known_keys) EXPECT_EQ(router.index_of(known.key), known.third) << known.key;
}

TEST(Router, AKeySeenBeforeGoesWhereItWent) {
  Router router = route_over(3);
  for (int times = 0; times < 3; ++times) {
    for (const Known& known : known_keys) EXPECT_EQ(router.index_of(known.key), known.third) << known.key;
  }
}

TEST(Router, MoreKeysThanItRemembersGoWhereTheyBelong) {
  constexpr int keys = 70'000;
  Router router = route_over(7);
  const ShardMap map = router.map();
  for (int times = 0; times < 2; ++times) {
    for (int i = 0; i < keys; ++i) {
      const std::string key = "customer " + std::to_string(i);
      ASSERT_EQ(router.index_of(key), map.open_index_of(HashKey::of(key))) << key;
    }
  }
}

// Long ones fill the memory for keys before there are many of them, and beginnings and ends alone do not tell them
// apart.
TEST(Router, LongKeysGoWhereTheyBelong) {
  Router router = route_over(7);
  const ShardMap map = router.map();
  const std::string filling(400, 'x');
  for (int times = 0; times < 2; ++times) {
    for (int i = 0; i < 12'000; ++i) {
      const std::string key = filling + std::to_string(i) + filling;
      ASSERT_EQ(router.index_of(key), map.open_index_of(HashKey::of(key))) << key;
    }
  }
}

TEST(Router, AnEmptyKeyIsAKeyToo) {
  Router router = route_over(3);
  for (int times = 0; times < 2; ++times) EXPECT_EQ(router.index_of(""), 2U);  // d4, by RFC 1321
  EXPECT_EQ(router.index_of("abc"), 1U);
  EXPECT_EQ(router.index_of(""), 2U);
}

TEST(Router, AnExplicitHashKeyIsTakenAsItIs) {
  const Router router = route_over(2);
  const HashKey middle = HashKey::parse("170141183460469231731687303715884105728").value();
  EXPECT_EQ(router.index_of(HashKey(middle.value() - 1)), 0U);
  EXPECT_EQ(router.index_of(middle), 1U);
}

TEST(Router, PlacesAreThoseOfTheOpenShards) {
  const auto halves = even_ranges(2);
  Router router(
      ShardMap(1, {closed_shard(0, {HashKey(), max_hash_key}), open_shard(1, halves[1]), open_shard(2, halves[0])}), 0);
  EXPECT_EQ(router.map().open_shards().at(router.index_of("a")), ShardId(2));
  EXPECT_EQ(router.map().open_shards().at(router.index_of("abc")), ShardId(1));
}

std::vector<std::size_t> dealt(Router router, const std::vector<std::uint64_t>& sizes) {
  std::vector<std::size_t> places;
  for (const std::uint64_t size : sizes) places.push_back(router.deal(size));
  return places;
}

using Places = std::vector<std::size_t>;

TEST(Router, EqualRunsGoToTheShardsInTurn) {
  EXPECT_EQ(dealt(route_over(3, 5), {7, 7, 7, 7, 7}), (Places{2, 0, 1, 2, 0}));
}

TEST(Router, AShardThatWasDealtMoreWaitsForTheOthers) {
  EXPECT_EQ(dealt(route_over(3), {10, 4, 4, 4, 4, 1, 1, 1, 1}), (Places{0, 1, 2, 1, 2, 1, 2, 1, 2}));
}

TEST(Router, SmallAndLargeRunsByTurnsDoNotKeepToTheirShards) {
  EXPECT_EQ(dealt(route_over(2), {1, 100, 1, 100, 1, 100}), (Places{0, 1, 0, 0, 1, 1}));
}

TEST(Router, OneShardIsDealtAll) {
  EXPECT_EQ(dealt(route_over(1, 3), {1, 2, 3}), (Places{0, 0, 0}));
}

TEST(Router, KeysDoNotMoveTheTurn) {
  Router router = route_over(3);
  EXPECT_EQ(router.deal(1), 0U);
  EXPECT_EQ(router.index_of("abc"), 1U);
  EXPECT_EQ(router.deal(1), 1U);
}

TEST(Router, TheLastTurnOf64BitsIsInBounds) {
  // 2^64 - 1 is a multiple of three.
  EXPECT_EQ(dealt(route_over(3, ~std::uint64_t{0}), {1, 1, 1, 1}), (Places{0, 1, 2, 0}));
}

}  // namespace
}  // namespace shardlog
