#include "tools/common/units.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace shardlog::cli {
namespace {

struct Size {
  std::string text;
  std::uint64_t bytes;
};

// python3: decimal.Decimal(number) * unit
const Size sizes[] = {
    {"0", 0},
    {"1", 1},
    {"1023", 1023},
    {"007", 7},
    {"1.0", 1},
    {"1B", 1},
    {"1k", 1024},
    {"1M", 1'048'576},
    {"1G", 1'073'741'824},
    {"1KiB", 1024},
    {"1MiB", 1'048'576},
    {"1GiB", 1'073'741'824},
    {"1kB", 1000},
    {"1MB", 1'000'000},
    {"1GB", 1'000'000'000},
    {"0k", 0},
    {"1.5k", 1536},
    {"1.5KiB", 1536},
    {"0.5M", 524'288},
    {"1.25GiB", 1'342'177'280},
};

TEST(Size, HasUnits) {
  for (const auto& [text, bytes] : sizes) EXPECT_EQ(parse_size(text), bytes) << text;
}

// Whole numbers of bytes that binary fractions miss: 1.005 * 1000 is 1004.9999999999999 there.
const Size fractions[] = {
    {"1.001kB", 1001},
    {"1.005kB", 1005},
    {"1.15kB", 1150},
    {"4.35kB", 4350},
    {"0.29MB", 290'000},
    {"2.000001MB", 2'000'001},
    {"0.000000001GB", 1},
    {"1.000000001GB", 1'000'000'001},
    {"0.0009765625k", 1},
    {"0.000000000931322574615478515625G", 1},
    {"1.50000000000000000000000000000000000000000k", 1536},
    {"9007199254740993", 9'007'199'254'740'993},
};

TEST(Size, DecimalFractionsAreExact) {
  for (const auto& [text, bytes] : fractions) EXPECT_EQ(parse_size(text), bytes) << text;
}

TEST(Size, RefusesPartsOfAByte) {
  for (const char* text : {"0.1", "1.5B", "1.1k", "1.0001kB", "0.00048828125k", "0.0000000005GB",
                           "1.0000000000000000000000000000000000001k"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Size, CanBeTheLargest) {
  constexpr std::uint64_t largest = 9'223'372'036'854'775'807;  // 2^63-1
  for (const char* text :
       {"9223372036854775807", "9223372036854775807B", "9007199254740991.9990234375k",
        "8589934591.999999999068677425384521484375G", "9223372036.854775807GB", "9223372036854775.807kB"}) {
    EXPECT_EQ(parse_size(text), largest) << text;
  }
}

TEST(Size, RefusesOneOverTheLargest) {
  for (const char* text : {"9223372036854775808", "9007199254740992k", "8589934592G", "9223372036.854775808GB",
                           "9223372036854775.808kB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Size, RefusesNumbersFarOverTheLargest) {
  // 2^64 bytes in three units, which is 0 to a counter of 64 bits
  for (const char* text : {"18446744073709551616", "18014398509481984k", "17179869184G"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_size(std::string(400, '9')), std::nullopt);
  EXPECT_EQ(parse_size(std::string(400, '9') + "GiB"), std::nullopt);
}

TEST(Size, RefusesFractionsTooSmallForADouble) {
  EXPECT_EQ(parse_size("0." + std::string(400, '0') + "1G"), std::nullopt);
}

TEST(Size, RefusesOtherTexts) {
  for (const char* text :
       {"",    " ",  "k",    "KiB", ".",    ".5k",  "5.",    "5.k",   "1..5k", "1.5.5k", "-1",   "+1",
        " 1",  "1 ", "1 k",  "1k ", "1\n",  "1K",   "1m",    "1b",    "1kb",   "1KB",    "1Kib", "1kk",
        "1k1", "1T", "1TiB", "1e3", "0x10", "1,5k", "1'000", "1_000", "inf",   "nan"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Size, RefusesNulInside) {
  for (const std::string_view text : {std::string_view("1\0", 2), std::string_view("1\0k", 3),
                                      std::string_view("\0001", 2), std::string_view("1k\0", 3)}) {
    EXPECT_EQ(parse_size(text), std::nullopt);
  }
}

struct Span {
  std::string text;
  std::int64_t microseconds;
};

// python3: the sum of decimal.Decimal(number) * unit, ROUND_HALF_UP
const Span durations[] = {
    {"1us", 1},
    {"1ms", 1000},
    {"1s", 1'000'000},
    {"1m", 60'000'000},
    {"1h", 3'600'000'000},
    {"1d", 86'400'000'000},
    {"1w", 604'800'000'000},
    {"0", 0},
    {"0s", 0},
    {"0.0s", 0},
    {"007s", 7'000'000},
    {"1h30m", 5'400'000'000},
    {"1m1h", 3'660'000'000},
    {"1h1h", 7'200'000'000},
    {"1w2d3h4m5s6ms7us", 788'645'006'007},
    {"1.5h", 5'400'000'000},
    {"1.5h1.5m", 5'490'000'000},
    {"0.5d", 43'200'000'000},
    {"1.005s", 1'005'000},
    {"4.35s", 4'350'000},
    {"0.000001s", 1},
    {"1.000001s", 1'000'001},
    {"36525d", 3'155'760'000'000'000},
};

TEST(Duration, HasUnits) {
  for (const auto& [text, expected] : durations) EXPECT_EQ(parse_duration(text), Duration(expected)) << text;
}

TEST(Duration, RoundsToMicroseconds) {
  EXPECT_EQ(parse_duration("2.4us"), Duration(2));
  EXPECT_EQ(parse_duration("2.6us"), Duration(3));
  EXPECT_EQ(parse_duration("0.0000016s"), Duration(2));
}

TEST(Duration, CanBeTheLongest) {
  constexpr Duration longest(3'200'000'000'000'000);
  EXPECT_EQ(parse_duration("3200000000s"), longest);
  EXPECT_EQ(parse_duration("3200000000000000us"), longest);
  EXPECT_EQ(parse_duration("3199999999s1000ms"), longest);
  EXPECT_EQ(parse_duration("3199999999.999999s"), longest - Duration(1));
}

TEST(Duration, RefusesOneOverTheLongest) {
  EXPECT_EQ(parse_duration("3200000000000001us"), std::nullopt);
  EXPECT_EQ(parse_duration("3200000000s1us"), std::nullopt);
  EXPECT_EQ(parse_duration("3200000001s"), std::nullopt);
}

TEST(Duration, RefusesNumbersFarOverTheLongest) {
  EXPECT_EQ(parse_duration("18446744073709551616us"), std::nullopt);
  EXPECT_EQ(parse_duration(std::string(400, '9') + "s"), std::nullopt);
  EXPECT_EQ(parse_duration("1h" + std::string(400, '9') + "s"), std::nullopt);
}

TEST(Duration, RefusesOtherTexts) {
  for (const char* text :
       {"",    " ",    "s",   ".",   ".5s",  "5.",    "5.s",  "1..5s", "1",   "00",    "0.0",  "10",
        "-1s", "+1s",  " 1s", "1s ", "1 s",  "1s 1m", "1s\n", "1h30",  "1hm", "h1",    "1S",   "1M",
        "1y",  "1sec", "1ns", "1µs", "1,5s", "1e3s",  "0x1s", "infs",  "inf", "1h-1m", "1ms1", "now"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, RefusesNulInside) {
  for (const std::string_view text : {std::string_view("1s\0", 3), std::string_view("1\0s", 3),
                                      std::string_view("\0001s", 3), std::string_view("0\0", 2)}) {
    EXPECT_EQ(parse_duration(text), std::nullopt);
  }
}

TEST(Percent, IsReadWithAndWithoutItsSign) {
  EXPECT_EQ(parse_percent("1"), 1.0);
  EXPECT_EQ(parse_percent("1%"), 1.0);
  EXPECT_EQ(parse_percent("12.5"), 12.5);
  EXPECT_EQ(parse_percent("12.5%"), 12.5);
  EXPECT_EQ(parse_percent("0.001%"), 0.001);
}

TEST(Percent, CanBeAll) {
  EXPECT_EQ(parse_percent("100"), 100.0);
  EXPECT_EQ(parse_percent("100.0%"), 100.0);
}

TEST(Percent, RefusesMoreThanAll) {
  for (const std::string& text : {std::string("100.1"), std::string("101%"), std::string(400, '9')}) {
    EXPECT_EQ(parse_percent(text), std::nullopt) << text;
  }
}

TEST(Percent, RefusesZero) {
  for (const std::string& text :
       {std::string("0"), std::string("0%"), std::string("0.0"), "0." + std::string(400, '0')}) {
    EXPECT_EQ(parse_percent(text), std::nullopt) << text;
  }
}

TEST(Percent, RefusesOtherTexts) {
  for (const char* text :
       {"", " ", "%", ".", ".5", "5.", "-1", "+1", " 1", "1 ", "1 %", "1%%", "%1", "1e1", "1/2", "nan"}) {
    EXPECT_EQ(parse_percent(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_percent(std::string_view("1\0", 2)), std::nullopt);
  EXPECT_EQ(parse_percent(std::string_view("1%\0", 3)), std::nullopt);
}

struct Printed {
  std::uint64_t number;
  std::string text;
};

// By hand: 1 KiB is 1024 B, 1 MiB 1'048'576 B. A number of less than 99.95 has one digit behind the point.
const Printed printed_sizes[] = {
    {0, "0 B"},
    {1, "1 B"},
    {999, "999 B"},
    {1023, "1023 B"},
    {1024, "1.0 KiB"},
    {1025, "1.0 KiB"},
    {1536, "1.5 KiB"},
    {10'240, "10.0 KiB"},
    {102'348, "99.9 KiB"},  // 99.949...
    {102'349, "100 KiB"},   // 99.950...
    {102'400, "100 KiB"},
    {1'048'063, "1023 KiB"},  // 1023.499...
    {1'048'064, "1.0 MiB"},   // 1023.5
    {1'048'576, "1.0 MiB"},
    {1'610'612'736, "1.5 GiB"},
    {1'099'511'627'776, "1.0 TiB"},
    {1'124'800'395'214'848, "1023 TiB"},     // 1023 * 2^40
    {1'125'899'906'842'624, "1.0 PiB"},      // 2^50
    {1'152'921'504'606'846'976, "1.0 EiB"},  // 2^60
    {18'446'744'073'709'551'615U, "16.0 EiB"},
};

TEST(FormatSize, HasAtMostFourCharactersOfNumber) {
  for (const auto& [bytes, text] : printed_sizes) EXPECT_EQ(format_size(bytes), text) << bytes;
}

// python3: f"{number:,}"
const Printed printed_counts[] = {
    {0, "0"},
    {1, "1"},
    {999, "999"},
    {1000, "1,000"},
    {12'345, "12,345"},
    {999'999, "999,999"},
    {1'000'000, "1,000,000"},
    {1'234'567, "1,234,567"},
    {18'446'744'073'709'551'615U, "18,446,744,073,709,551,615"},
};

TEST(FormatCount, HasACommaEveryThreeDigits) {
  for (const auto& [count, text] : printed_counts) EXPECT_EQ(format_count(count), text);
}

TEST(FormatCount, AgreesWithItsNoun) {
  EXPECT_EQ(format_count(0, "record"), "0 records");
  EXPECT_EQ(format_count(1, "record"), "1 record");
  EXPECT_EQ(format_count(2, "record"), "2 records");
  EXPECT_EQ(format_count(1000, "record"), "1,000 records");
}

TEST(FormatCount, TakesAnotherPlural) {
  EXPECT_EQ(format_count(0, "batch", "batches"), "0 batches");
  EXPECT_EQ(format_count(1, "batch", "batches"), "1 batch");
  EXPECT_EQ(format_count(1234, "batch", "batches"), "1,234 batches");
}

}  // namespace
}  // namespace shardlog::cli
