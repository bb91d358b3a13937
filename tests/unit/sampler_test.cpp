#include "tools/common/sampler.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace shardlog::cli {
namespace {

std::string kept_of(Sampler& sampler, int records) {
  std::string result;
  for (int i = 0; i < records; ++i) result += sampler.keeps(std::nullopt) ? '#' : '.';
  return result;
}

std::string kept_of(double percent, int records) {
  Sampler sampler(percent, Sampler::By::record);
  return kept_of(sampler, records);
}

// By hand: what is owed grows by the share; a whole record of it is a record kept.
TEST(Sampler, ByRecordSpreadsEvenly) {
  EXPECT_EQ(kept_of(100, 5), "#####");
  EXPECT_EQ(kept_of(50, 8), ".#.#.#.#");
  EXPECT_EQ(kept_of(25, 8), "...#...#");
  EXPECT_EQ(kept_of(75, 8), ".###.###");
  EXPECT_EQ(kept_of(40, 10), "..#.#..#.#");
  EXPECT_EQ(kept_of(1, 100), std::string(99, '.') + '#');
}

TEST(Sampler, ByRecordLooksAtNoKey) {
  Sampler sampler(50, Sampler::By::record);
  EXPECT_FALSE(sampler.keeps("a"));
  EXPECT_TRUE(sampler.keeps("a"));
  EXPECT_FALSE(sampler.keeps(std::nullopt));
  EXPECT_TRUE(sampler.keeps("b"));
}

TEST(Sampler, ByKeyTreatsRecordsWithoutOneAsByRecord) {
  Sampler sampler(25, Sampler::By::key);
  EXPECT_EQ(kept_of(sampler, 8), "...#...#");
}

TEST(Sampler, ByKeyOwesNothingToRecordsWithoutOne) {
  Sampler sampler(50, Sampler::By::key);
  std::string kept;
  for (int i = 0; i < 8; ++i) {
    (void)sampler.keeps("key " + std::to_string(i));
    kept += sampler.keeps(std::nullopt) ? '#' : '.';
  }
  EXPECT_EQ(kept, ".#.#.#.#");
}

TEST(Sampler, ByKeyKeepsAllOfAllKeys) {
  Sampler sampler(100, Sampler::By::key);
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(sampler.keeps("key " + std::to_string(i)));
}

// XXH3-64 of these bytes, found by running it backwards, is 2^64-1, which is 2^64 as a double.
TEST(Sampler, ByKeyKeepsTheKeyWithTheLargestHash) {
  const std::string_view key("\xce\xe4\x2a\xed\x38\x09\xee\x84", 8);
  ASSERT_EQ(XXH3_64bits(key.data(), key.size()), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(Sampler(100, Sampler::By::key).keeps(key));
  EXPECT_FALSE(Sampler(99.999, Sampler::By::key).keeps(key));
}

}  // namespace
}  // namespace shardlog::cli
