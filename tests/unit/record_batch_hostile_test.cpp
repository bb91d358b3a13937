#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shardlog/core/record_batch.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

// Payloads with a good checksum over sizes that contradict each other.
namespace shardlog {
namespace {

using test::OwnedRecord;
using test::PayloadParts;
namespace column = test::column;

constexpr std::uint32_t most = 0xffffffff;

PayloadParts of_two_records(const std::string& data_lengths, const std::string& data) {
  return {.record_count = 2, .columns = {{column::data_lengths, data_lengths}, {column::data, data}}};
}

/// Its body has 8 bytes.
PayloadParts plain() {
  return of_two_records(test::lengths(1, {2, 1}), "ab\nc\n");
}

PayloadParts with_keys() {
  PayloadParts parts = plain();
  parts.columns[column::key_lengths] = test::lengths(1, {2, 0});
  parts.columns[column::keys] = "kk";
  return parts;
}

PayloadParts with_hash_keys() {
  PayloadParts parts = plain();
  parts.columns[column::explicit_hash_keys] = '\x02' + std::string(16, 'h');
  return parts;
}

void expect_refused(const PayloadParts& parts) {
  EXPECT_EQ(test::refusal([&] { test::decode(parts.sealed()); }), ErrorCode::corrupt);
}

TEST(RecordBatchHostile, TheBatchesThatAreSpoiltBelowAreGood) {
  EXPECT_EQ(test::own(test::decode(plain().sealed())), (std::vector<OwnedRecord>{{"ab"}, {"c"}}));
  EXPECT_EQ(test::own(test::decode(with_keys().sealed())), (std::vector<OwnedRecord>{{"ab", "kk"}, {"c"}}));
  const HashKey hash_key = HashKey::parse("138781828077559216471337094795701545064").value();  // 16 times 'h'
  EXPECT_EQ(test::own(test::decode(with_hash_keys().sealed())),
            (std::vector<OwnedRecord>{{"ab"}, {"c", std::nullopt, hash_key}}));
}

TEST(RecordBatchHostile, RecordCounts) {
  for (const std::uint32_t count : {0U, 1U, 3U, 1U << 20, (1U << 20) + 1, 1U << 31, most}) {
    for (PayloadParts parts : {plain(), with_keys(), with_hash_keys()}) {
      parts.record_count = count;
      expect_refused(parts);
    }
  }
}

TEST(RecordBatchHostile, MoreEmptyRecordsThanABatchHolds) {
  constexpr std::uint32_t count = (1U << 20) + 1;
  expect_refused(
      {.record_count = count,
       .columns = {{column::data_lengths, test::shared_length(0)}, {column::data, std::string(count, '\n')}}});
}

TEST(RecordBatchHostile, SizesOfTheBody) {
  for (const std::uint32_t size : {0U, 7U, 9U, 48U << 20, (48U << 20) + 1, most}) {
    PayloadParts parts = plain();
    parts.body_size = size;
    expect_refused(parts);
  }
}

TEST(RecordBatchHostile, TwoSizesOfOneBody) {
  for (const std::uint32_t size : {0U, 7U, 9U, most}) {
    PayloadParts parts = plain();
    parts.stored_size = size;
    expect_refused(parts);
  }
}

TEST(RecordBatchHostile, BytesThatMustBeZero) {
  for (const auto value : std::initializer_list<std::uint16_t>{0x0001, 0x0100, 0xffff}) {
    PayloadParts parts = plain();
    parts.zero = value;
    expect_refused(parts);
  }
}

TEST(RecordBatchHostile, ColumnsBeyondTheBody) {
  for (const auto& [number, bytes] : with_keys().columns) {
    for (const std::uint32_t size : {static_cast<std::uint32_t>(bytes.size() + 1), 1U << 31, most}) {
      PayloadParts parts = with_keys();
      parts.column_sizes[number] = size;
      expect_refused(parts);
    }
  }
}

TEST(RecordBatchHostile, ColumnsShorterThanTheBody) {
  for (const auto& [number, bytes] : with_keys().columns) {
    PayloadParts parts = with_keys();
    parts.column_sizes[number] = static_cast<std::uint32_t>(bytes.size() - 1);
    expect_refused(parts);
  }
}

// 2^32 - 1 + 9 = 2^32 + 8: in 32 bits the 8 bytes of the body.
TEST(RecordBatchHostile, ColumnSizesWithASumThatOverflows) {
  PayloadParts parts = plain();
  parts.column_sizes[column::data_lengths] = most;
  parts.column_sizes[column::data] = 9;
  expect_refused(parts);
}

TEST(RecordBatchHostile, MoreColumnsThanThereIsRoomForTheirSizes) {
  std::string payload = plain().sealed();
  payload.replace(8, 4, test::little_endian(most));
  test::seal(payload);
  EXPECT_EQ(test::refusal([&] { test::decode(payload); }), ErrorCode::corrupt);
}

TEST(RecordBatchHostile, NoColumns) {
  expect_refused({.record_count = 1, .columns = {}});
}

TEST(RecordBatchHostile, MissingColumns) {
  for (const unsigned number : {column::data_lengths, column::data}) {
    PayloadParts parts = plain();
    parts.columns.erase(number);
    expect_refused(parts);
  }
}

TEST(RecordBatchHostile, EmptyColumnOfLengths) {
  expect_refused(of_two_records("", "ab\nc\n"));
}

TEST(RecordBatchHostile, UnknownWidths) {
  for (const char width : {'\x03', '\x05', '\x08', '\x7f', '\xff'}) {
    const std::size_t bytes_each = static_cast<unsigned char>(width);
    expect_refused(of_two_records(width + std::string(2 * bytes_each, '\0'), "\n\n"));
  }
}

TEST(RecordBatchHostile, OneLengthTooFewOrTooMany) {
  for (const auto width : std::initializer_list<std::uint8_t>{1, 2, 4}) {
    expect_refused(of_two_records(test::lengths(width, {3}), "ab\nc\n"));
    expect_refused(of_two_records(test::lengths(width, {2, 1, 0}), "ab\nc\n"));
  }
}

TEST(RecordBatchHostile, ALengthCutOff) {
  expect_refused(of_two_records(test::lengths(2, {2, 1}).substr(0, 4), "ab\nc\n"));
  expect_refused(of_two_records(test::lengths(4, {2, 1}).substr(0, 8), "ab\nc\n"));
  expect_refused(of_two_records(test::shared_length(1).substr(0, 4), "a\nb\n"));
  expect_refused(of_two_records(std::string(1, '\0'), "\n\n"));
}

TEST(RecordBatchHostile, ASharedLengthFollowedByMoreBytes) {
  expect_refused(of_two_records(test::shared_length(1) + '\0', "a\nb\n"));
}

TEST(RecordBatchHostile, LengthsThatAreNotThoseOfTheData) {
  expect_refused(of_two_records(test::lengths(1, {2, 0}), "ab\nc\n"));
  expect_refused(of_two_records(test::lengths(1, {2, 2}), "ab\nc\n"));
  expect_refused(of_two_records(test::shared_length(2), "ab\nc\n"));
}

TEST(RecordBatchHostile, DataWithoutRoomForTheNewlines) {
  expect_refused(of_two_records(test::shared_length(0), ""));
  expect_refused(of_two_records(test::shared_length(0), "\n"));
}

// 2^32 - 1 + 3 = 2^32 + 2, and 2 * (2^31 + 1) = 2^32 + 2: in 32 bits both look like two bytes of data.
TEST(RecordBatchHostile, LengthsWithASumThatOverflows) {
  expect_refused(of_two_records(test::lengths(4, {most, 3}), "a\nb\n"));
  expect_refused(of_two_records(test::shared_length((1U << 31) + 1), "a\nb\n"));
}

TEST(RecordBatchHostile, LargestLengthsOfTheMostRecords) {
  expect_refused(
      {.record_count = 1U << 20,
       .columns = {{column::data_lengths, test::shared_length(most)}, {column::data, std::string(1U << 20, '\n')}}});
}

TEST(RecordBatchHostile, KeysWithoutLengths) {
  PayloadParts parts = with_keys();
  parts.columns.erase(column::key_lengths);
  expect_refused(parts);
  parts.columns[column::key_lengths] = "";
  expect_refused(parts);
}

TEST(RecordBatchHostile, KeyLengthsWithoutKeys) {
  PayloadParts parts = with_keys();
  parts.columns.erase(column::keys);
  expect_refused(parts);
}

TEST(RecordBatchHostile, LengthsThatAreNotThoseOfTheKeys) {
  for (const std::string& key_lengths :
       {test::lengths(1, {1, 0}), test::lengths(1, {2, 1}), test::lengths(1, {2}), test::lengths(4, {most, 3}),
        test::shared_length(2), test::shared_length((1U << 31) + 1), std::string("\x03\0\0\0\0\0\0", 7)}) {
    PayloadParts parts = with_keys();
    parts.columns[column::key_lengths] = key_lengths;
    expect_refused(parts);
  }
}

TEST(RecordBatchHostile, BitmapTooShort) {
  constexpr std::uint32_t count = 9;
  expect_refused({.record_count = count,
                  .columns = {{column::data_lengths, test::shared_length(0)},
                              {column::explicit_hash_keys, std::string(1, '\0')},
                              {column::data, std::string(count, '\n')}}});
}

TEST(RecordBatchHostile, BitsOfRecordsThatAreNotThere) {
  for (const char bitmap : {'\x04', '\x80'}) {
    PayloadParts parts = with_hash_keys();
    parts.columns[column::explicit_hash_keys] = bitmap + std::string(16, 'h');
    expect_refused(parts);
  }
}

TEST(RecordBatchHostile, BitsThatAreNotThoseOfTheHashKeys) {
  for (const std::string& hash_keys :
       {'\0' + std::string(16, 'h'), '\x03' + std::string(16, 'h'), '\x02' + std::string(15, 'h'),
        '\x02' + std::string(17, 'h'), '\x02' + std::string(32, 'h'), std::string("\x02")}) {
    PayloadParts parts = with_hash_keys();
    parts.columns[column::explicit_hash_keys] = hash_keys;
    expect_refused(parts);
  }
}

}  // namespace
}  // namespace shardlog
