#include "tools/stream-stats/plot.h"

#include <gtest/gtest.h>

#include <vector>

namespace shardlog::cli {
namespace {

TEST(Sparkline, HasABlockForEachValueByItsHeight) {
  EXPECT_EQ(sparkline({0, 1, 2, 4, 8}, 8, 5, true), " ▁▂▄█");
  EXPECT_EQ(sparkline({0, 0.001, 9}, 8, 3, true), " ▁█") << "what is there is seen, and nothing is above the peak";
  EXPECT_EQ(sparkline({0, 1, 2, 3, 4}, 4, 9, false), " .:=#");
  EXPECT_EQ(sparkline({0, 0}, 0, 2, true), "  ");
}

TEST(Sparkline, LetsNeighboursShareABlock) {
  EXPECT_EQ(sparkline({4, 4, 0, 0, 2, 2}, 4, 3, true), "█ ▄");
  EXPECT_EQ(sparkline({4, 4, 0, 0, 2, 2}, 4, 5, true), "█ ▄") << "evenly";
  EXPECT_EQ(sparkline({8, 0}, 8, 1, true), "▄");
  EXPECT_EQ(sparkline({}, 8, 4, true), "");
  EXPECT_EQ(sparkline({1}, 8, 0, true), "");
}

}  // namespace
}  // namespace shardlog::cli
