#include <gtest/gtest.h>

#include <string>

#include "shardlog/log/stream.h"
#include "support/refusal.h"

namespace shardlog {
namespace {

using test::refusal;

constexpr std::size_t mebibyte = 1024UL * 1024;

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

std::optional<ErrorCode> refuse_size(std::uint64_t max_record_size) {
  return refusal([&] { check(StreamSettings{.max_record_size = max_record_size}); });
}

std::optional<ErrorCode> refuse_tags(const Tags& tags) {
  return refusal([&] { check(StreamSettings{.tags = tags}); });
}

std::optional<ErrorCode> refuse(const Record& record, std::uint64_t max_record_size = default_max_record_size) {
  return refusal([&] { check(record, max_record_size); });
}

Tags tags(int count) {
  Tags result;
  for (int i = 0; i < count; ++i) result["tag " + std::to_string(i)] = "value";
  return result;
}

TEST(CheckSettings, AcceptsTheDefaults) {
  EXPECT_EQ(refusal([] { check(StreamSettings{}); }), std::nullopt);
}

TEST(CheckSettings, SmallestMaximumRecordSize) {
  EXPECT_EQ(refuse_size(0), ErrorCode::usage);
  EXPECT_EQ(refuse_size(1023), ErrorCode::usage);
  EXPECT_EQ(refuse_size(1024), std::nullopt);
}

TEST(CheckSettings, LargestMaximumRecordSize) {
  EXPECT_EQ(refuse_size(10 * mebibyte), std::nullopt);
  EXPECT_EQ(refuse_size(10 * mebibyte + 1), ErrorCode::usage);
  EXPECT_EQ(refuse_size(~std::uint64_t{0}), ErrorCode::usage);
}

TEST(CheckSettings, MostTags) {
  EXPECT_EQ(refuse_tags(tags(50)), std::nullopt);
}

TEST(CheckSettings, OneTagTooMany) {
  EXPECT_EQ(refuse_tags(tags(51)), ErrorCode::usage);
}

TEST(CheckSettings, EmptyTagKey) {
  EXPECT_EQ(refuse_tags({{"", "value"}}), ErrorCode::usage);
}

TEST(CheckSettings, LongestTagKeyInCharactersNotBytes) {
  EXPECT_EQ(refuse_tags({{repeat("k", 128), ""}}), std::nullopt);
  EXPECT_EQ(refuse_tags({{repeat("é", 128), ""}}), std::nullopt);
  EXPECT_EQ(refuse_tags({{repeat("k", 129), ""}}), ErrorCode::usage);
  EXPECT_EQ(refuse_tags({{repeat("é", 129), ""}}), ErrorCode::usage);
}

TEST(CheckSettings, EmptyTagValue) {
  EXPECT_EQ(refuse_tags({{"team", ""}}), std::nullopt);
}

TEST(CheckSettings, LongestTagValueInCharactersNotBytes) {
  EXPECT_EQ(refuse_tags({{"team", repeat("v", 256)}}), std::nullopt);
  EXPECT_EQ(refuse_tags({{"team", repeat("é", 256)}}), std::nullopt);
  EXPECT_EQ(refuse_tags({{"team", repeat("v", 257)}}), ErrorCode::usage);
  EXPECT_EQ(refuse_tags({{"team", repeat("é", 257)}}), ErrorCode::usage);
}

TEST(CheckSettings, TagsThatAreNotUtf8) {
  EXPECT_EQ(refuse_tags({{"\xff", "value"}}), ErrorCode::usage);
  EXPECT_EQ(refuse_tags({{"team", "\xff"}}), ErrorCode::usage);
}

TEST(CheckSettings, OneBadTagAmongGoodOnes) {
  EXPECT_EQ(refuse_tags({{"a", "1"}, {"b", repeat("v", 257)}, {"c", "3"}}), ErrorCode::usage);
}

TEST(CheckRecord, EmptyRecord) {
  EXPECT_EQ(refuse({"", std::nullopt}), std::nullopt);
}

TEST(CheckRecord, RecordOfTheMaximumSize) {
  EXPECT_EQ(refuse({repeat("x", 2048), std::nullopt}, 2048), std::nullopt);
}

TEST(CheckRecord, OneByteOverTheMaximumSize) {
  EXPECT_EQ(refuse({repeat("x", 2049), std::nullopt}, 2048), ErrorCode::malformed);
}

TEST(CheckRecord, TheKeysBytesCount) {
  EXPECT_EQ(refuse({repeat("x", 2046), "ab"}, 2048), std::nullopt);
  EXPECT_EQ(refuse({repeat("x", 2047), "ab"}, 2048), ErrorCode::malformed);
  EXPECT_EQ(refuse({repeat("x", 2046), "é"}, 2048), std::nullopt);
  EXPECT_EQ(refuse({repeat("x", 2047), "é"}, 2048), ErrorCode::malformed);
}

TEST(CheckRecord, AnExplicitHashKeyDoesNotCount) {
  EXPECT_EQ(refuse({repeat("x", 2048), std::nullopt, max_hash_key}, 2048), std::nullopt);
}

TEST(CheckRecord, DataMayBeAnyBytes) {
  EXPECT_EQ(refuse({std::string_view("\xff\n\0", 3), "k"}), std::nullopt);
}

TEST(CheckRecord, AbsentKey) {
  EXPECT_EQ(refuse({"x", std::nullopt}), std::nullopt);
}

TEST(CheckRecord, EmptyKey) {
  EXPECT_EQ(refuse({"x", ""}), ErrorCode::malformed);
}

TEST(CheckRecord, ShortestKey) {
  EXPECT_EQ(refuse({"x", "k"}), std::nullopt);
}

TEST(CheckRecord, LongestKeyInCharactersNotBytes) {
  EXPECT_EQ(refuse({"x", repeat("k", 256)}), std::nullopt);
  EXPECT_EQ(refuse({"x", repeat("é", 256)}), std::nullopt);
  EXPECT_EQ(refuse({"x", repeat("😀", 256)}), std::nullopt);
  EXPECT_EQ(refuse({"x", repeat("k", 257)}), ErrorCode::malformed);
  EXPECT_EQ(refuse({"x", repeat("é", 257)}), ErrorCode::malformed);
  EXPECT_EQ(refuse({"x", repeat("😀", 257)}), ErrorCode::malformed);
}

TEST(CheckRecord, KeyThatIsNotUtf8) {
  EXPECT_EQ(refuse({"x", "\xff"}), ErrorCode::malformed);
  EXPECT_EQ(refuse({"x", "\xed\xa0\x80"}), ErrorCode::malformed);
}

TEST(Require, NamesTheOptionAndTheEngine) {
  constexpr Capabilities small{.engine = "small", .groups = false};
  EXPECT_EQ(refusal([&] { require(small.producers, "--producer", small); }), std::nullopt);
  try {
    require(small.groups, "--group", small);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_STREQ(error.what(), "--group: the engine 'small' cannot do that");
  }
}

}  // namespace
}  // namespace shardlog
