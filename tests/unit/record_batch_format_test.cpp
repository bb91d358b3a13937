#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shardlog/core/record_batch.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

// Streams of today must be read for ever: these payloads are written out from the description of the format.
namespace shardlog {
namespace {

using test::decode;
using test::OwnedRecord;
using test::PayloadParts;
using test::refusal;

/// A payload from its bytes; the checksum's place is filled in.
std::string written_out(const std::vector<unsigned>& bytes) {
  std::string payload;
  for (const unsigned byte : bytes) payload += static_cast<char>(byte);
  test::seal(payload);
  return payload;
}

void expect_stored_as(const std::string& payload, const std::vector<OwnedRecord>& records) {
  EXPECT_EQ(encode(test::borrow(records)).payload.view(), payload);
  EXPECT_EQ(test::own(decode(payload)), records);
}

// clang-format off
const std::string smallest = written_out({
    'S', 'L', 'R', 'B',        // magic
    1,                         // format version
    0,                         // codec
    0, 0,                      // zero
    0x11, 0, 0, 0,             // columns: data lengths, data
    1, 0, 0, 0,                // record count
    6, 0, 0, 0,                // size of the body
    6, 0, 0, 0,                // as it is stored
    0, 0, 0, 0, 0, 0, 0, 0,    // checksum
    5, 0, 0, 0,                // sizes of the columns
    1, 0, 0, 0,
    0, 0, 0, 0, 0,             // data lengths: one for all, 0
    '\n',                      // data
});

const std::string every_column = written_out({
    'S', 'L', 'R', 'B',
    1,
    0,
    0, 0,
    0x1f, 0, 0, 0,             // columns: bits 0 to 4
    3, 0, 0, 0,                // record count
    51, 0, 0, 0,
    51, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0,
    4, 0, 0, 0,                // sizes of the columns
    4, 0, 0, 0,
    4, 0, 0, 0,
    33, 0, 0, 0,
    6, 0, 0, 0,
    1, 1, 2, 0,                // data lengths: one byte each
    1, 2, 0, 2,                // key lengths: one byte each
    'k', '1', 0xc3, 0xa9,      // keys
    0x06,                      // explicit hash keys: of the records 1 and 2
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    'a', '\n',                 // data
    '\n', 0, '\n',
    '\n',
});
// clang-format on

const std::vector<OwnedRecord> records_of_every_column{
    {"a", "k1"},
    {std::string("\n\0", 2), std::nullopt, HashKey(256)},
    {"", "é", max_hash_key},
};

TEST(RecordBatchFormat, Smallest) {
  expect_stored_as(smallest, {{""}});
}

TEST(RecordBatchFormat, EveryColumn) {
  expect_stored_as(every_column, records_of_every_column);
}

TEST(RecordBatchFormat, PartsMakeTheSamePayload) {
  const PayloadParts parts{
      .columns = {{test::column::data_lengths, test::shared_length(0)}, {test::column::data, "\n"}}};
  EXPECT_EQ(parts.sealed(), smallest);
}

/// Two records without keys, the first of `size` bytes, the second empty.
void expect_lengths_stored_as(const std::string& column, std::uint32_t size) {
  const std::string data(size, 'd');
  const PayloadParts parts{.record_count = 2,
                           .columns = {{test::column::data_lengths, column}, {test::column::data, data + "\n\n"}}};
  expect_stored_as(parts.sealed(), {{data}, {""}});
}

TEST(RecordBatchFormat, LengthsOfOneByte) {
  expect_lengths_stored_as(std::string("\x01\x01\x00", 3), 1);
  expect_lengths_stored_as(std::string("\x01\xff\x00", 3), 255);
}

TEST(RecordBatchFormat, LengthsOfTwoBytes) {
  expect_lengths_stored_as(std::string("\x02\x00\x01\x00\x00", 5), 256);
  expect_lengths_stored_as(std::string("\x02\xff\xff\x00\x00", 5), 65535);
}

TEST(RecordBatchFormat, LengthsOfFourBytes) {
  expect_lengths_stored_as(std::string("\x04\x00\x00\x01\x00\x00\x00\x00\x00", 9), 65536);
}

TEST(RecordBatchFormat, OneLengthForAll) {
  const std::string data(300, 'd');
  const PayloadParts parts{.record_count = 2,
                           .columns = {{test::column::data_lengths, std::string("\x00\x2c\x01\x00\x00", 5)},
                                       {test::column::data, data + "\n" + data + "\n"}}};
  expect_stored_as(parts.sealed(), {{data}, {data}});
}

TEST(RecordBatchFormat, LengthsWiderThanTheyNeedBe) {
  for (const auto width : std::initializer_list<std::uint8_t>{1, 2, 4}) {
    const PayloadParts parts{
        .record_count = 2,
        .columns = {{test::column::data_lengths, test::lengths(width, {2, 2})}, {test::column::data, "ab\ncd\n"}}};
    EXPECT_EQ(test::own(decode(parts.sealed())), (std::vector<OwnedRecord>{{"ab"}, {"cd"}}));
  }
}

/// What a newer version of this library might write.
PayloadParts newer() {
  return {.record_count = 2,
          .columns = {{test::column::data_lengths, test::shared_length(1)}, {test::column::data, "a\nb\n"}}};
}

TEST(RecordBatchFormat, UnknownOptionalColumnsAreSkipped) {
  for (unsigned number = 16; number < 32; ++number) {
    PayloadParts parts = newer();
    parts.columns[number] = "what will be known one day";
    EXPECT_EQ(test::own(decode(parts.sealed())), (std::vector<OwnedRecord>{{"a"}, {"b"}}));
  }
}

TEST(RecordBatchFormat, EmptyOptionalColumnsAreSkipped) {
  PayloadParts parts = newer();
  parts.columns[16] = "";
  parts.columns[31] = "";
  EXPECT_EQ(test::own(decode(parts.sealed())), (std::vector<OwnedRecord>{{"a"}, {"b"}}));
}

TEST(RecordBatchFormat, UnknownRequiredColumnsAreRefused) {
  for (unsigned number = 5; number < 16; ++number) {
    PayloadParts parts = newer();
    parts.columns[number] = "needed to understand the rest";
    EXPECT_EQ(refusal([&] { decode(parts.sealed()); }), ErrorCode::unsupported) << number;
  }
}

TEST(RecordBatchFormat, OtherVersionsAreRefused) {
  for (const auto version : std::initializer_list<std::uint8_t>{0, 2, 255}) {
    PayloadParts parts = newer();
    parts.version = version;
    EXPECT_EQ(refusal([&] { decode(parts.sealed()); }), ErrorCode::unsupported);
  }
}

TEST(RecordBatchFormat, UnknownCodecsAreRefused) {
  for (const auto codec : std::initializer_list<std::uint8_t>{3, 4, 255}) {
    PayloadParts parts = newer();
    parts.codec = codec;
    EXPECT_EQ(refusal([&] { decode(parts.sealed()); }), ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace shardlog
