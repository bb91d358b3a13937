#include "shardlog/producing/runs.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace shardlog::producing {
namespace {

using Runs = std::vector<std::size_t>;

constexpr std::uint64_t mebibyte = 1UL << 20;

/// `records` of `size` bytes, which is one less than they take as lines.
Runs cut(std::size_t records, std::uint32_t size, std::size_t shards, std::uint64_t input_bytes) {
  return cut_into_runs(std::vector<std::uint32_t>(records, size), shards, input_bytes);
}

TEST(Runs, NoRecordsAreNoRuns) {
  EXPECT_EQ(cut(0, 0, 1, 0), Runs{});
  EXPECT_EQ(cut(0, 0, 4, 0), Runs{});
  EXPECT_EQ(cut(0, 0, 4, mebibyte), Runs{});
}

TEST(Runs, OneShardHasOne) {
  EXPECT_EQ(cut(100'000, 9, 1, 1'000'000), Runs{100'000});
  EXPECT_EQ(cut(100'000, 99, 1, 10'000'000), Runs{100'000});
}

TEST(Runs, AShortInputHasOneAShardOf256RecordsAtLeast) {
  EXPECT_EQ(cut(1, 1, 4, 2), Runs{1});
  EXPECT_EQ(cut(511, 1, 4, 1022), Runs{511});
  EXPECT_EQ(cut(512, 1, 4, 1024), (Runs{256, 256}));
  EXPECT_EQ(cut(1023, 1, 4, 2046), (Runs{341, 341, 341}));
  EXPECT_EQ(cut(1024, 1, 4, 2048), (Runs{256, 256, 256, 256}));
  EXPECT_EQ(cut(10'001, 1, 4, 20'002), (Runs{2500, 2500, 2500, 2501}));
}

TEST(Runs, AnInputIsShortUpToAFullChunk) {
  EXPECT_EQ(cut(4096, 99, 2, 63 * mebibyte / 64 - 1), (Runs{2048, 2048}));
  EXPECT_EQ(cut(4096, 255, 2, 63 * mebibyte / 64), (Runs{1024, 1024, 1024, 1024}));
}

TEST(Runs, ALongInputIsCutEvery256KiB) {
  EXPECT_EQ(cut(4096, 255, 64, mebibyte), (Runs{1024, 1024, 1024, 1024}));
  EXPECT_EQ(cut(4096, 255, 10, 10 * mebibyte), (Runs{1024, 1024, 1024, 1024}));
  EXPECT_EQ(cut(1536, 255, 10, 10 * mebibyte), (Runs{768, 768}));  // 384 KiB
  EXPECT_EQ(cut(1535, 255, 10, 10 * mebibyte), Runs{1535});
  EXPECT_EQ(cut(10, 9, 10, 10 * mebibyte), Runs{10});
}

TEST(Runs, AfterOneMebibyteAShardTheyGrowToAQuarterOfWhatAShardHas) {
  EXPECT_EQ(cut(4096, 255, 4, 4 * mebibyte), (Runs{1024, 1024, 1024, 1024}));
  EXPECT_EQ(cut(4096, 255, 4, 8 * mebibyte), (Runs{2048, 2048}));
  EXPECT_EQ(cut(4096, 255, 4, 16 * mebibyte), Runs{4096});
  EXPECT_EQ(cut(4096, 255, 4, 1024 * mebibyte), Runs{4096});
  EXPECT_EQ(cut(4096, 255, 1000, 1000 * mebibyte), (Runs{1024, 1024, 1024, 1024}));
}

TEST(Runs, EmptyRecordsCountAsTheirNewlines) {
  EXPECT_EQ(cut(1U << 20, 0, 64, mebibyte), Runs(4, 1U << 18));
}

TEST(Runs, ALongRecordIsARunAloneAndLeavesTheNextRunWhole) {
  EXPECT_EQ(cut(1, 10 * mebibyte, 16, 10 * mebibyte), Runs{1});
  std::vector<std::uint32_t> sizes{800 * 1024 - 1};
  sizes.insert(sizes.end(), 896, 255);  // 224 KiB
  EXPECT_EQ(cut_into_runs(sizes, 4, 2 * mebibyte), (Runs{1, 896}));
}

TEST(Runs, RecordsAreTakenBySize) {
  const std::string data(255, 'x');
  const std::vector<Record> records(4096, Record{data, std::nullopt});
  EXPECT_EQ(cut_into_runs(records, 4, 4 * mebibyte), (Runs{1024, 1024, 1024, 1024}));
}

}  // namespace
}  // namespace shardlog::producing
