#include "shardlog/core/record_batch.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

namespace shardlog {
namespace {

using test::OwnedRecord;
using test::refusal;

constexpr std::size_t mebibyte = 1024UL * 1024;

EncodedBatch encode_all(const std::vector<OwnedRecord>& records) {
  return encode(test::borrow(records));
}

std::vector<OwnedRecord> store_and_load(const std::vector<OwnedRecord>& records) {
  return test::own(RecordBatch::decode(encode_all(records).payload));
}

std::vector<OwnedRecord> of_sizes(const std::vector<std::size_t>& sizes) {
  std::vector<OwnedRecord> records;
  records.reserve(sizes.size());
  for (const std::size_t size : sizes) records.push_back({std::string(size, 'd')});
  return records;
}

std::vector<OwnedRecord> with_key_sizes(const std::vector<std::size_t>& sizes) {
  std::vector<OwnedRecord> records;
  records.reserve(sizes.size());
  for (const std::size_t size : sizes) records.push_back({"d", std::string(size, 'k')});
  return records;
}

std::string lines_of(const std::vector<OwnedRecord>& records) {
  std::string lines;
  for (const OwnedRecord& record : records) lines += record.data + '\n';
  return lines;
}

EncodedBatch encode_as_lines(const std::vector<OwnedRecord>& records) {
  std::vector<std::uint32_t> lengths;
  lengths.reserve(records.size());
  for (const OwnedRecord& record : records) lengths.push_back(static_cast<std::uint32_t>(record.data.size()));
  return encode_lines(lines_of(records), lengths);
}

void expect_unchanged(const std::vector<OwnedRecord>& records) {
  EXPECT_EQ(store_and_load(records), records);
}

TEST(RecordBatch, EmptyRecord) {
  expect_unchanged({{""}});
}

TEST(RecordBatch, SingleRecord) {
  expect_unchanged({{"one"}});
}

TEST(RecordBatch, SingleRecordOfTheLargestSize) {
  expect_unchanged(of_sizes({10 * mebibyte}));
}

TEST(RecordBatch, OnlyEmptyRecords) {
  expect_unchanged({{""}, {""}, {""}});
}

TEST(RecordBatch, EmptyRecordsFirstAndLast) {
  expect_unchanged({{""}, {"middle"}, {""}});
}

TEST(RecordBatch, RecordsOfOneSize) {
  expect_unchanged(of_sizes({300, 300, 300}));
}

TEST(RecordBatch, LongestLengthOfOneByte) {
  expect_unchanged(of_sizes({0, 255}));
}

TEST(RecordBatch, ShortestLengthOfTwoBytes) {
  expect_unchanged(of_sizes({0, 256}));
}

TEST(RecordBatch, LongestLengthOfTwoBytes) {
  expect_unchanged(of_sizes({0, 65535}));
}

TEST(RecordBatch, ShortestLengthOfFourBytes) {
  expect_unchanged(of_sizes({0, 65536}));
}

TEST(RecordBatch, EveryByteInDataAndKeys) {
  std::string bytes(256, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  expect_unchanged({{bytes, bytes}, {bytes}});
}

TEST(RecordBatch, NewlinesInData) {
  expect_unchanged({{"\n"}, {"a\nb"}, {"\n\n\n"}, {""}, {"ends in\n"}});
}

TEST(RecordBatch, EveryRecordWithAKey) {
  expect_unchanged({{"a", "k1"}, {"b", "k2"}});
}

TEST(RecordBatch, RecordsWithAndWithoutKeys) {
  expect_unchanged({{"a"}, {"b", "k1"}, {"", "a longer key"}, {"c"}});
}

TEST(RecordBatch, LongestAndShortestKeyLengths) {
  expect_unchanged(with_key_sizes({1, 255}));
  expect_unchanged(with_key_sizes({1, 256}));
  expect_unchanged(with_key_sizes({1, 65535}));
  expect_unchanged(with_key_sizes({1, 65536}));
}

TEST(RecordBatch, ExplicitHashKeyWithoutAKey) {
  expect_unchanged({{"a", std::nullopt, HashKey(7)}});
}

TEST(RecordBatch, RecordsWithAndWithoutExplicitHashKeys) {
  expect_unchanged(
      {{"a", "k", HashKey()}, {"b", "k"}, {"c", std::nullopt, max_hash_key}, {"d"}, {"", "k", HashKey(1)}});
}

TEST(RecordBatch, ExplicitHashKeysAroundAByteOfTheBitmap) {
  for (const std::size_t count : {7U, 8U, 9U, 16U, 17U}) {
    std::vector<OwnedRecord> records(count, OwnedRecord{"data"});
    records.back().explicit_hash_key = HashKey(count);
    expect_unchanged(records);
    records.front().explicit_hash_key = max_hash_key;
    expect_unchanged(records);
  }
}

TEST(RecordBatch, TheEndTwice) {
  const RecordBatch batch = RecordBatch::decode(encode_all({{"a", "k", HashKey(1)}, {"b"}}).payload);
  auto at = batch.begin();
  ++at;
  ++at;
  EXPECT_EQ(at, batch.end());
  EXPECT_EQ(at, batch.end());
  EXPECT_EQ(test::own(batch), test::own(batch));
}

TEST(RecordBatch, MovedWithItsRecords) {
  const std::vector<OwnedRecord> records{{"a", "k", HashKey(1)}, {"b"}};
  RecordBatch batch = RecordBatch::decode(encode_all(records).payload);
  const RecordBatch moved = std::move(batch);
  EXPECT_EQ(test::own(moved), records);
}

TEST(RecordBatch, CountsRecordsAndBytesOfDataAndKeys) {
  const EncodedBatch encoded = encode_all({{"four", "key"}, {""}, {"fives", "é", HashKey(1)}});
  EXPECT_EQ(encoded.record_count, 3U);
  EXPECT_EQ(encoded.data_bytes, 4U + 3U + 5U + 2U);
  const RecordBatch batch = test::decode(encoded.payload.view());
  EXPECT_EQ(batch.size(), 3U);
  EXPECT_EQ(batch.data_bytes(), 14U);
}

TEST(RecordBatch, LinesAreTheDataWithANewlineAfterEachRecord) {
  const RecordBatch batch = RecordBatch::decode(encode_all({{"a", "k"}, {""}, {"b\n", "l", HashKey(1)}}).payload);
  EXPECT_EQ(batch.lines(), "a\n\nb\n\n");
}

TEST(RecordBatch, ChecksumIsThePayloads) {
  const EncodedBatch encoded = encode_all({{"a", "k"}, {"b"}});
  const std::uint64_t checksum = test::described_checksum(encoded.payload.view());
  EXPECT_EQ(payload_checksum(encoded.payload.view()), checksum);
  EXPECT_EQ(test::decode(encoded.payload.view()).checksum(), checksum);
}

TEST(RecordBatch, LinesAreEncodedLikeTheirRecords) {
  const std::vector<std::vector<OwnedRecord>> batches{
      {{""}},
      {{"one"}},
      {{"a\nb"}, {"\n"}},
      {{""}, {"a"}, {""}},
      of_sizes({7, 7, 7}),
      of_sizes({255, 0}),
      of_sizes({256, 0}),
      of_sizes({65535, 0}),
      of_sizes({65536, 0}),
  };
  for (const auto& records : batches) {
    const EncodedBatch as_records = encode_all(records);
    const EncodedBatch as_lines = encode_as_lines(records);
    EXPECT_EQ(as_lines.payload.view(), as_records.payload.view());
    EXPECT_EQ(as_lines.record_count, as_records.record_count);
    EXPECT_EQ(as_lines.data_bytes, as_records.data_bytes);
  }
}

TEST(RecordBatch, NoRecords) {
  EXPECT_EQ(refusal([] { encode({}); }), ErrorCode::internal);
  EXPECT_EQ(refusal([] { encode_lines("", {}); }), ErrorCode::internal);
}

TEST(RecordBatch, MostRecords) {
  const std::vector<Record> records(max_batch_records, Record{"x", "k"});
  const RecordBatch batch = RecordBatch::decode(encode(records).payload);
  EXPECT_EQ(batch.size(), 1'048'576U);
  EXPECT_EQ(batch.data_bytes(), 2 * 1'048'576U);
  const auto same = [](const Record& record) {
    return record.data == "x" && record.key == "k" && !record.explicit_hash_key;
  };
  EXPECT_TRUE(std::all_of(batch.begin(), batch.end(), same));
}

TEST(RecordBatch, OneRecordTooMany) {
  const std::vector<Record> records(max_batch_records + 1, Record{"", std::nullopt});
  EXPECT_EQ(refusal([&] { encode(records); }), ErrorCode::internal);
}

TEST(RecordBatch, MostLines) {
  const std::vector<std::uint32_t> lengths(max_batch_records, 0);
  const std::string lines(max_batch_records, '\n');
  EXPECT_EQ(RecordBatch::decode(encode_lines(lines, lengths).payload).lines(), lines);
}

TEST(RecordBatch, OneLineTooMany) {
  const std::vector<std::uint32_t> lengths(max_batch_records + 1, 0);
  EXPECT_EQ(refusal([&] { encode_lines(std::string(lengths.size(), '\n'), lengths); }), ErrorCode::internal);
}

TEST(RecordBatch, MostBytes) {
  expect_unchanged(of_sizes({max_batch_bytes}));
  expect_unchanged(of_sizes({10 * mebibyte, max_batch_bytes - 10 * mebibyte}));
}

TEST(RecordBatch, MostBytesWithAKey) {
  expect_unchanged({{std::string(max_batch_bytes - 2, 'd'), "kk"}});
}

TEST(RecordBatch, OneByteTooMany) {
  EXPECT_EQ(refusal([] { encode_all(of_sizes({max_batch_bytes + 1})); }), ErrorCode::internal);
  EXPECT_EQ(refusal([] {
              encode_all(of_sizes({10 * mebibyte, max_batch_bytes - 10 * mebibyte + 1}));
            }),
            ErrorCode::internal);
}

TEST(RecordBatch, OneByteOfAKeyTooMany) {
  EXPECT_EQ(refusal([] { encode_all({{std::string(max_batch_bytes - 1, 'd'), "kk"}}); }), ErrorCode::internal);
}

TEST(RecordBatch, MostBytesOfLines) {
  const auto records = of_sizes({10 * mebibyte, max_batch_bytes - 10 * mebibyte});
  EXPECT_EQ(test::own(RecordBatch::decode(encode_as_lines(records).payload)), records);
}

TEST(RecordBatch, OneByteOfLinesTooMany) {
  EXPECT_EQ(refusal([] { encode_as_lines(of_sizes({max_batch_bytes + 1})); }), ErrorCode::internal);
}

TEST(RecordBatch, CompressedTakesNoMoreMemoryThanItsPayload) {
  const auto records = of_sizes({16 * 1024});
  for (const Compression compression : {Compression::lz4, Compression::zstd}) {
    EncodedBatch batch = encode(test::borrow(records), compression);
    ASSERT_LT(batch.payload.size(), 1024U);
    EXPECT_LT(malloc_usable_size(batch.payload.data()), 1024U);
  }
}

TEST(RecordBatch, FullInEveryRespect) {
  constexpr std::size_t bytes_each = max_batch_bytes / max_batch_records;
  const std::string data(bytes_each - 1, 'd');
  const std::vector<Record> records(max_batch_records, Record{data, "k", max_hash_key});
  const RecordBatch batch = RecordBatch::decode(encode(records).payload);
  EXPECT_EQ(batch.size(), max_batch_records);
  EXPECT_EQ(batch.data_bytes(), max_batch_bytes);
  const auto same = [&](const Record& record) {
    return record.data == data && record.key == "k" && record.explicit_hash_key == max_hash_key;
  };
  EXPECT_TRUE(std::all_of(batch.begin(), batch.end(), same));
}

}  // namespace
}  // namespace shardlog
