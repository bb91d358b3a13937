#include "shardlog/core/position.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>

#include "tools/common/positions.h"
#include "tools/common/units.h"

namespace shardlog::cli {
namespace {

constexpr Timestamp now(Duration(1'769'854'830'123'456));

/// A position in the words of the test, so that one can be compared with another; "none" where the text is none.
std::string position(std::string_view text) {
  struct Words {
    std::string operator()(const TrimHorizon&) const { return "trim horizon"; }
    std::string operator()(const Latest&) const { return "latest"; }
    std::string operator()(const AtTime& at) const {
      return "time " + std::to_string(at.time.time_since_epoch().count());
    }
    std::string operator()(const LastRecords& last) const { return "last " + std::to_string(last.count); }
    std::string operator()(const AtSequence& at) const { return "at " + at.sequence.to_string(); }
    std::string operator()(const AfterSequence& after) const { return "after " + after.sequence.to_string(); }
  };
  const auto parsed = parse_position(text, now);
  return parsed ? std::visit(Words{}, *parsed) : "none";
}

TEST(Position, HasNames) {
  EXPECT_EQ(position("trim-horizon"), "trim horizon");
  EXPECT_EQ(position("latest"), "latest");
}

TEST(Position, HasTheNamesOfOtherPrograms) {
  for (const char* text : {"earliest", "beginning", "TRIM_HORIZON"}) EXPECT_EQ(position(text), "trim horizon") << text;
  for (const char* text : {"end", "LATEST"}) EXPECT_EQ(position(text), "latest") << text;
}

TEST(Position, CanBeATime) {
  EXPECT_EQ(position("now"), "time 1769854830123456");
  EXPECT_EQ(position("-1s"), "time 1769854829123456");
  EXPECT_EQ(position("@1"), "time 1000000");
  EXPECT_EQ(position("1970-01-01T00:00:01Z"), "time 1000000");
}

TEST(Position, CountsLastRecords) {
  EXPECT_EQ(position("last:0"), "last 0");
  EXPECT_EQ(position("last:1"), "last 1");
  EXPECT_EQ(position("last:007"), "last 7");
  EXPECT_EQ(position("last:9223372036854775807"), "last 9223372036854775807");
}

TEST(Position, RefusesMoreLastRecordsThanThereCanBe) {
  EXPECT_EQ(position("last:9223372036854775808"), "none");
  EXPECT_EQ(position("last:18446744073709551616"), "none");
  EXPECT_EQ(position("last:" + std::string(400, '9')), "none");
}

TEST(Position, RefusesOtherNumbersOfLastRecords) {
  for (const char* text : {"last", "last:", "last: 1", "last:1 ", "last:-1", "last:+1", "last:1.0", "last:1k",
                           "last:0x1", "last:a", "last:1:1", "LAST:1", " last:1"}) {
    EXPECT_EQ(position(text), "none") << text;
  }
  EXPECT_EQ(position(std::string_view("last:1\0", 7)), "none");
}

TEST(Position, CanBeASequenceNumber) {
  const std::string longest(129, '9');
  EXPECT_EQ(position("at:0"), "at 0");
  EXPECT_EQ(position("at:12"), "at 12");
  EXPECT_EQ(position("at:" + longest), "at " + longest);
  EXPECT_EQ(position("after:0"), "after 0");
  EXPECT_EQ(position("after:12"), "after 12");
  EXPECT_EQ(position("after:" + longest), "after " + longest);
}

TEST(Position, RefusesOtherSequenceNumbers) {
  for (const std::string name : {"at", "after"}) {
    EXPECT_EQ(position(name), "none");
    for (const std::string& number :
         {std::string(), std::string(" 1"), std::string("1 "), std::string("-1"), std::string("+1"), std::string("01"),
          std::string("00"), std::string("1.0"), std::string("a"), std::string("1\0", 2), std::string(130, '1')}) {
      EXPECT_EQ(position(name + ':' + number), "none") << name << ':' << number;
    }
  }
}

TEST(Position, RefusesOtherNames) {
  for (const char* text : {"", " ", "trim_horizon", "trim-horizon ", "Trim_Horizon", "Latest", "latest\n", "tail",
                           "first", "at-sequence:1", "before:1", "1", "10"}) {
    EXPECT_EQ(position(text), "none") << text;
  }
  EXPECT_EQ(position(std::string_view("latest\0", 7)), "none");
}

TEST(NotAPosition, SuggestsTheNearest) {
  const auto guess = [](const std::string& text) { return not_a_position(text, now); };
  EXPECT_EQ(guess("yesteday"), "is not a position; did you mean 'yesterday'?");
  EXPECT_EQ(guess("Latest"), "is not a position; did you mean 'latest'?");
  EXPECT_EQ(guess("last"), "is not a position; did you mean 'last:N'?");
  EXPECT_EQ(guess("last:x"), "is not a position: last:N takes a number of records");
  EXPECT_EQ(guess("at:01"), "is not a position: at:SEQUENCE takes a sequence number");
  EXPECT_EQ(guess("2026/01/31"), "is not a position; did you mean '2026-01-31'?");
  EXPECT_EQ(guess("2026-01-31_10:20"), "is not a position; did you mean '2026-01-31 10:20'?");
  EXPECT_EQ(guess("10"), "is not a position; did you mean 'last:10'?");
  EXPECT_EQ(guess("9:30"), "is not a position; did you mean '09:30'?");
  EXPECT_EQ(guess(" now\n"), "is not a position; did you mean 'now'?");
  EXPECT_EQ(guess("2026-13-01").substr(0, 14), "is not a time:");
  EXPECT_EQ(guess("somewhere").substr(0, 18), "is not a position:");
  EXPECT_EQ(guess("").substr(0, 18), "is not a position:");
}

TEST(Speed, IsReadWithAndWithoutItsX) {
  EXPECT_EQ(parse_speed("1"), 1.0);
  EXPECT_EQ(parse_speed("1x"), 1.0);
  EXPECT_EQ(parse_speed("0.5x"), 0.5);
  EXPECT_EQ(parse_speed("1000"), 1000.0);
}

TEST(Speed, RefusesOtherTexts) {
  for (const char* text :
       {"", "x", "0", "0x", "0.0x", "-1x", "+1", "1 x", "1x ", "1xx", "x1", "1X", ".5", "5.", "inf", "0x10"}) {
    EXPECT_EQ(parse_speed(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_speed(std::string(400, '9')), std::nullopt);
  EXPECT_EQ(parse_speed(std::string_view("1x\0", 3)), std::nullopt);
}

}  // namespace
}  // namespace shardlog::cli
