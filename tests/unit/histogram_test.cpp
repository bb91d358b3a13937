#include "shardlog/metrics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "support/refusal.h"

namespace shardlog::metrics {
namespace {

using namespace std::chrono_literals;
using test::refusal;

std::string encoded(const Histogram& histogram) {
  std::string out;
  histogram.encode(out);
  return out;
}

Histogram decoded(std::string_view bytes) {
  const Histogram histogram = Histogram::decode(bytes);
  EXPECT_TRUE(bytes.empty());
  return histogram;
}

TEST(HistogramTest, HasNothingToTellAtFirst) {
  const Histogram none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.percentile(0.5), 0us);
  EXPECT_EQ(none.at_most(1h), 0U);
  EXPECT_EQ(decoded(encoded(none)), none);
  Histogram zero_times;
  zero_times.add(1s, 0);
  EXPECT_EQ(zero_times, none);
}

TEST(HistogramTest, KeepsShortLengthsAsTheyAre) {
  Histogram histogram;
  for (int length = 0; length < 128; ++length) histogram.add(Duration(length));
  EXPECT_EQ(histogram.count(), 128U);
  EXPECT_EQ(histogram.sum(), 128 * 127 / 2);
  EXPECT_EQ(histogram.percentile(0.5), 63us) << "the 64th of 128";
  EXPECT_EQ(histogram.percentile(1.0 / 128), 0us);
  EXPECT_EQ(histogram.at_most(9us), 10U);
}

// percent * count / 100, rounded up in whole numbers, is the place of the length among the sorted ones.
TEST(HistogramTest, APercentileIsItsNearestRankWhateverIsRounded) {
  Histogram histogram;
  for (int count = 1; count <= 100; ++count) {
    histogram.add(Duration(count));
    for (int percent = 0; percent <= 100; ++percent) {
      const int rank = std::max((percent * count + 99) / 100, 1);
      ASSERT_EQ(histogram.percentile(percent / 100.0), Duration(rank)) << percent << " % of " << count;
    }
  }
}

TEST(HistogramTest, CountsANegativeLengthAsZero) {
  Histogram histogram;
  histogram.add(-5s);
  EXPECT_EQ(histogram.max(), 0us);
  EXPECT_EQ(histogram.at_most(0us), 1U);
  EXPECT_EQ(histogram.at_most(-1us), 0U);
}

TEST(HistogramTest, KnowsTheLongestExactly) {
  Histogram histogram;
  histogram.add(1s, 99);
  histogram.add(12'345'678us);
  EXPECT_EQ(histogram.percentile(1), 12'345'678us);
  EXPECT_EQ(histogram.max(), 12'345'678us);
  EXPECT_EQ(histogram.at_most(12'345'678us), 100U);
  Histogram most_in_a_bucket;
  most_in_a_bucket.add(129us, std::uint64_t{1} << 50);
  EXPECT_EQ(most_in_a_bucket.percentile(1), 129us) << "whose bucket begins with 128 us";
}

TEST(HistogramTest, HoldsTheLongestLengthThatThereIs) {
  Histogram histogram;
  histogram.add(Duration::max(), 3);
  EXPECT_EQ(histogram.percentile(1), Duration::max());
  EXPECT_EQ(decoded(encoded(histogram)), histogram);
}

TEST(HistogramTest, TakesFewBytes) {
  Histogram histogram;
  for (int i = 0; i < 10'000; ++i) histogram.add(Duration(500 + i));
  EXPECT_LT(encoded(histogram).size(), 1200U) << "five octaves";
}

/// Seven 1 us long, and a hole of two buckets before one of 4 us.
const std::string small{"\x02\x01\x07\x02\x01\x04\0\0\0\0\0\0\x26\x40", 14};

TEST(HistogramTest, IsStoredAsItIsWritten) {
  Histogram histogram;
  histogram.add(1us, 7);
  histogram.add(4us);
  EXPECT_EQ(encoded(histogram), small) << "11, as a double: 0x4026000000000000";
  EXPECT_EQ(decoded(small), histogram);
}

TEST(HistogramTest, RefusesWhatItHasNotWritten) {
  const auto with = [](std::size_t at, char byte) {
    std::string bytes = small;
    bytes[at] = byte;
    return bytes;
  };
  const auto fate = [](std::string_view bytes) { return refusal([&] { Histogram::decode(bytes); }); };
  for (std::size_t size = 0; size < small.size(); ++size) {
    EXPECT_EQ(fate(small.substr(0, size)), ErrorCode::corrupt) << "cut off after " << size;
  }
  EXPECT_EQ(fate(with(2, 0)), ErrorCode::corrupt) << "a bucket that counts nothing";
  EXPECT_EQ(fate(with(5, 5)), ErrorCode::corrupt) << "a maximum in another bucket";
  EXPECT_EQ(fate(with(13, '\xc0')), ErrorCode::corrupt) << "a sum below 0";
  EXPECT_EQ(fate(with(13, '\x7f')), std::nullopt);
  EXPECT_EQ(fate(std::string("\x01\x80\x1d\x01\x00", 5)), ErrorCode::corrupt) << "bucket 3712: there are 3712";
  EXPECT_EQ(fate(std::string("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00", 12)), ErrorCode::corrupt)
      << "more than a bucket counts";
}

}  // namespace
}  // namespace shardlog::metrics
