#include "shardlog/core/sequence_number.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace shardlog {
namespace {

SequenceNumber parsed(const std::string& decimal) {
  return SequenceNumber::parse(decimal).value();
}

TEST(SequenceNumber, PrintsTheEnginesNumbers) {
  EXPECT_EQ(SequenceNumber(0).to_string(), "0");
  EXPECT_EQ(SequenceNumber(std::numeric_limits<std::uint64_t>::max()).to_string(), "18446744073709551615");
}

TEST(SequenceNumber, ParsesWhatItPrints) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{10}, std::numeric_limits<std::uint64_t>::max()}) {
    EXPECT_EQ(SequenceNumber::parse(SequenceNumber(value).to_string()), SequenceNumber(value));
  }
}

TEST(SequenceNumber, ParsesTheLongest) {
  const std::string longest(129, '9');
  EXPECT_EQ(parsed(longest).to_string(), longest);
}

TEST(SequenceNumber, RefusesOneDigitMore) {
  EXPECT_EQ(SequenceNumber::parse(std::string(130, '1')), std::nullopt);
}

TEST(SequenceNumber, RefusesLeadingZeros) {
  EXPECT_EQ(SequenceNumber::parse("00"), std::nullopt);
  EXPECT_EQ(SequenceNumber::parse("01"), std::nullopt);
}

TEST(SequenceNumber, RefusesTextsThatAreNotDecimalNumbers) {
  for (const char* text : {"", " ", "-1", "+1", " 1", "1 ", "1\n", "1.0", "0x1", "a", "1a", "１"}) {
    EXPECT_EQ(SequenceNumber::parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(SequenceNumber::parse(std::string_view("1\0", 2)), std::nullopt);
  EXPECT_EQ(SequenceNumber::parse(std::string_view("\0001", 2)), std::nullopt);
}

TEST(SequenceNumber, ComparesAsANumber) {
  EXPECT_LT(SequenceNumber(9), SequenceNumber(10));
  EXPECT_LT(SequenceNumber(19), SequenceNumber(20));
  EXPECT_GT(SequenceNumber(100), SequenceNumber(99));
  EXPECT_EQ(SequenceNumber(7), parsed("7"));
}

TEST(SequenceNumber, ComparesBeyond64Bits) {
  EXPECT_LT(SequenceNumber(std::numeric_limits<std::uint64_t>::max()), parsed("18446744073709551616"));
  std::string longest(129, '9');
  const SequenceNumber largest = parsed(longest);
  longest.back() = '8';
  EXPECT_LT(parsed(longest), largest);
  EXPECT_LT(parsed(longest.substr(1)), parsed(longest));
}

TEST(SequenceRun, OfOneRecord) {
  const SequenceRun run = SequenceRun::dense(5, 1);
  EXPECT_EQ(run.size(), 1U);
  EXPECT_EQ(run[0], SequenceNumber(5));
  EXPECT_EQ(run.last(), SequenceNumber(5));
}

TEST(SequenceRun, CountsUpFromItsFirst) {
  const SequenceRun run = SequenceRun::dense(8, 3);
  EXPECT_EQ(run[0], SequenceNumber(8));
  EXPECT_EQ(run[1], SequenceNumber(9));
  EXPECT_EQ(run[2], SequenceNumber(10));
  EXPECT_EQ(run.last(), SequenceNumber(10));
}

TEST(SequenceRun, ReachesTheLastNumber) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(SequenceRun::dense(most - 1, 2).last(), SequenceNumber(most));
}

TEST(SequenceRun, OfNothing) {
  EXPECT_EQ(SequenceRun::dense(1, 0).size(), 0U);
}

}  // namespace
}  // namespace shardlog
