#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/nats/slots.h"

namespace shardlog::nats {
namespace {

Slot a_slot() {
  return {.id = {"put", "uuid/3"},
          .number = 17,
          .token = "a-token",
          .to = ProducerPosition{SequenceNumber(1'000'000), std::string("pr\0of", 5)},
          .body = 12,
          .floor = 4711,
          .version = 3};
}

EncodedBatch batch_of(const std::vector<Record>& records, Compression compression = Compression::none) {
  return encode(records, compression);
}

std::vector<std::string> data_of(const EncodedBatch& batch) {
  std::vector<std::string> data;
  const EncodedBatch copy = copy_of(batch);
  Bytes payload(copy.payload.size());
  std::copy_n(copy.payload.data(), copy.payload.size(), payload.data());
  for (const Record& record : RecordBatch::decode(std::move(payload))) data.emplace_back(record.data);
  return data;
}

constexpr HashKey middle{HashKey::Value{1} << 127U};

std::vector<Shard> halves() {
  return {{ShardId(4), {HashKey(), HashKey(middle.value() - 1)}, Timestamp()},
          {ShardId(5), {middle, max_hash_key}, Timestamp()}};
}

TEST(Slots, AreReadAsWritten) {
  const Slot slot = a_slot();
  EXPECT_EQ(decode_slot(encode(slot)), slot);
  Slot forgotten{.id = {"put", ""}, .number = 1, .token = "t"};
  EXPECT_EQ(decode_slot(encode(forgotten)), forgotten);
}

TEST(Slots, DamageIsNoticed) {
  const std::string text = encode(a_slot());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_THROW(decode_slot(damaged), Error) << i;
    EXPECT_THROW(decode_slot(text.substr(0, i)), Error) << i;
  }
}

TEST(Slots, BodiesAreReadAsWritten) {
  std::vector<RoutedBatch> parts;
  parts.push_back({ShardId(0), batch_of({{"a", "k"}, {"", std::nullopt}})});
  parts.push_back({ShardId(max_shards), batch_of({{std::string_view("b\0c", 3), std::nullopt}})});
  const std::string body = encode_body(parts);
  const auto read = decode_body(body);
  ASSERT_EQ(read.size(), 2U);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(read[i].shard, parts[i].shard);
    EXPECT_EQ(read[i].batch.record_count, parts[i].batch.record_count);
    EXPECT_EQ(read[i].batch.data_bytes, parts[i].batch.data_bytes);
    EXPECT_EQ(read[i].batch.payload.view(), parts[i].batch.payload.view());
  }
  EXPECT_LE(body.size(), body_overhead(2) + parts[0].batch.payload.size() + parts[1].batch.payload.size());
  EXPECT_THROW(decode_body(body.substr(0, body.size() - 1)), Error);
  EXPECT_TRUE(decode_body(encode_body({})).empty());
}

TEST(Slots, IdsTellProducersSlotsAndPathsApart) {
  std::set<std::string> ids;
  for (const ProducerId& id :
       {ProducerId{"ab", "c"}, ProducerId{"a", "bc"}, ProducerId{"abc", ""}, ProducerId{"1\nab", "c"}}) {
    for (const std::uint64_t slot : {1U, 11U}) {
      for (const char* path : {"0", "1", "1/1", "11"}) ids.insert(part_id(id, slot, path));
    }
  }
  EXPECT_EQ(ids.size(), 4U * 2 * 4);
}

TEST(Slots, TheHeaderOfAPartIsOneLineOfFiveWords) {
  Slot slot = a_slot();
  slot.id = {"a b\r\n%", ""};
  EXPECT_EQ(producer_facts(slot, "2/7"), "a%20b%0D%0A%25  17 2/7 1000000");
}

TEST(Slots, APartIsSplitByItsHashKeys) {
  const std::vector<Record> records{{"low", "k", HashKey()},
                                    {"high", "k", max_hash_key},
                                    {"middle", "k", middle},
                                    {"below", "k", HashKey(middle.value() - 1)},
                                    {"none", std::nullopt}};
  const auto pieces = split(batch_of(records), halves());
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].shard, ShardId(4));
  EXPECT_EQ(data_of(pieces[0].batch), (std::vector<std::string>{"low", "below", "none"}));
  EXPECT_EQ(pieces[0].records, (std::vector<std::uint32_t>{0, 3, 4}));
  EXPECT_EQ(pieces[1].shard, ShardId(5));
  EXPECT_EQ(data_of(pieces[1].batch), (std::vector<std::string>{"high", "middle"}));
  EXPECT_EQ(pieces[1].records, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(pieces[1].batch.record_count, 2U);
  EXPECT_EQ(pieces[1].batch.data_bytes, std::string("highkmiddlek").size());
}

TEST(Slots, WhatGoesToOneChildStaysAsItIs) {
  const EncodedBatch batch = batch_of({{"a", std::nullopt}, {"b", std::nullopt}});
  const auto keyless = split(batch, halves());
  ASSERT_EQ(keyless.size(), 1U);
  EXPECT_EQ(keyless[0].shard, ShardId(4));
  EXPECT_EQ(keyless[0].batch.payload.view(), batch.payload.view());
  const std::vector<Shard> merged{{ShardId(9), {HashKey(), max_hash_key}, Timestamp()}};
  EXPECT_EQ(split(batch_of({{"a", "k"}}), merged).at(0).shard, ShardId(9));
}

TEST(Slots, APieceIsCompressedAsItsPart) {
  const std::string long_text(4096, 'x');
  const std::vector<Record> records{{long_text, "k", HashKey()}, {long_text, "k", max_hash_key}};
  for (const Split& piece : split(batch_of(records, Compression::zstd), halves())) {
    EXPECT_LT(piece.batch.payload.size(), 1024U);
  }
}

TEST(Slots, TheLargestRecordFitsWhereTheServersAreSetUpForIt) {
  const std::string data(largest_max_record_size, 'x');
  const EncodedBatch batch = batch_of({{data, std::nullopt}});
  EXPECT_LE(batch.payload.size() + body_overhead(1), largest_append(largest_max_record_size + 64UL * 1024));
  EXPECT_EQ(largest_append(100), 0U);
}

}  // namespace
}  // namespace shardlog::nats
