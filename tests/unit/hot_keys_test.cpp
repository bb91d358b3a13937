#include "tools/stream-stats/hot_keys.h"

#include <gtest/gtest.h>

namespace shardlog::cli {
namespace {

using Samples = std::vector<reshard::KeySample>;

reshard::KeySample of_key(const std::string& key, std::uint64_t bytes = 1) {
  return {HashKey::of(key), key, bytes};
}

TEST(HottestKey, HasMoreThanHalfOfTheRecords) {
  EXPECT_EQ(hottest_key({}, false), std::nullopt);
  EXPECT_EQ(hottest_key({of_key("a")}, false), (HotKey{"a", 1}));
  EXPECT_EQ(hottest_key({of_key("a"), of_key("b")}, false), std::nullopt) << "a half is not more";
  const Samples most{of_key("a"), of_key("b"), of_key("a"), of_key("c"), of_key("a")};
  EXPECT_EQ(hottest_key(most, false), (HotKey{"a", 0.6}));
}

TEST(HottestKey, OrOfTheBytes) {
  const Samples samples{of_key("large", 80), of_key("small", 10), of_key("small", 10)};
  EXPECT_EQ(hottest_key(samples, true), (HotKey{"large", 0.8}));
  EXPECT_EQ(hottest_key(samples, false)->key, "small");
}

TEST(HottestKey, RecordsWithoutKeysAreLoadTooAndHaveNoKeyInCommon) {
  const reshard::KeySample keyless{std::nullopt, "", 1};
  EXPECT_EQ(hottest_key({keyless, keyless, of_key("a")}, false), std::nullopt);
  EXPECT_EQ(hottest_key({keyless, of_key("a"), of_key("a"), of_key("a")}, false), (HotKey{"a", 0.75}));
}

}  // namespace
}  // namespace shardlog::cli
