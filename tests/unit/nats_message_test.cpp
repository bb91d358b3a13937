#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/nats/batch_message.h"
#include "shardlog/nats/names.h"

namespace shardlog::nats {
namespace {

const std::string uuid = "0a1b2c3d-0000-4000-8000-000000000000";

const Names names("orders", uuid);  // NOLINT(*-err58-cpp)

std::string hex(std::uint64_t number) {
  std::string text(17, '\0');
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  text.resize(16);
  return text;
}

ErrorCode code_of_check(const BatchFacts& facts, const std::string& of, ShardId shard, std::string_view payload) {
  try {
    check(facts, of, shard, payload);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(NatsNames, Streams) {
  EXPECT_EQ(names.control_stream(), "SHARDLOG_C_orders");
  EXPECT_EQ(names.data_stream(), "SHARDLOG_D_orders_0a1b2c3d");
  EXPECT_EQ(names.producer_stream(), "SHARDLOG_P_orders_0a1b2c3d");
  EXPECT_EQ(names.metrics_stream(), "SHARDLOG_M_orders_0a1b2c3d");
  EXPECT_EQ(names.consumer_stream("a.b"), "SHARDLOG_K_orders_0a1b2c3d_" + hash_of("a.b"));
}

TEST(NatsNames, Subjects) {
  EXPECT_EQ(names.control_subject(), "slc.orders");
  EXPECT_EQ(names.data_subjects(7), "sl.orders.0a1b2c3d.7.>");
  EXPECT_EQ(names.data_filter(), "sl.orders.0a1b2c3d.>");
  EXPECT_EQ(names.data_filter(ShardId(12)), "sl.orders.0a1b2c3d.*.12.>");
  EXPECT_EQ(names.data_subject(7, ShardId(12), no_producer), "sl.orders.0a1b2c3d.7.12._");
  EXPECT_EQ(names.consumer_subject("c"), "slk.orders.0a1b2c3d." + hash_of("c"));
  EXPECT_EQ(names.producer_subjects(), "slp.orders.0a1b2c3d.>");
  EXPECT_EQ(names.metrics_subjects(), "slm.orders.0a1b2c3d.>");
}

TEST(NatsNames, Slots) {
  const std::string producer = "slp.orders.0a1b2c3d." + hash_of("p");
  EXPECT_EQ(names.slots("p").substr(0, producer.size() + 1), producer + ".");
  EXPECT_EQ(names.slots("p", "s").substr(0, producer.size() + 18), producer + "." + hash_of("s") + ".");
  EXPECT_EQ(names.slot("p", "s", 3), producer + "." + hash_of("s") + ".3");
}

TEST(NatsNames, HashIsXxh3In16Digits) {
  EXPECT_EQ(hash_of(""), "2d06800538d394c2");  // XXH3-64 of nothing (xxHash's own test vector)
  EXPECT_EQ(hash_of("c"), hex(XXH3_64bits("c", 1)));
}

TEST(NatsNames, ADataSubjectIsReadBack) {
  const auto subject = parse_data_subject("sl.orders.0a1b2c3d.18446744073709551615.4294967295.end");
  ASSERT_TRUE(subject);
  EXPECT_EQ(subject->epoch, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(subject->shard, ShardId(std::numeric_limits<std::uint32_t>::max()));
  EXPECT_EQ(subject->last, end_of_shard);
}

TEST(NatsNames, OtherSubjectsAreNone) {
  for (const char* const text :
       {"", "sl", "sl.o.u.1.2", "sl.o.u.1.2.", "sl.o.u.1.2.a.b", "sl.o.u.x.2._", "sl.o.u.1.-2._",
        "sl.o.u.1.4294967296._", "slp.o.u.1.2._", "sl..u.1.2._", "sl.o.u..2._"}) {
    EXPECT_FALSE(parse_data_subject(text)) << text;
  }
}

TEST(NatsBatchMessage, SequenceNumbersLeaveRoomForTheLargestBatch) {
  const SequenceRun run = sequences_of(3, max_batch_records);
  EXPECT_EQ(run[0].to_string(), "3145728");
  EXPECT_EQ(run.last().to_string(), "4194303");
  EXPECT_EQ(message_of(run[0]), 3U);
  EXPECT_EQ(message_of(run.last()), 3U);
  EXPECT_EQ(message_of(SequenceNumber(4'194'304)), 4U);
  EXPECT_EQ(message_of(SequenceNumber(0)), 0U);
}

TEST(NatsBatchMessage, NumbersOfOtherEnginesMayBeTooLarge) {
  EXPECT_TRUE(message_of(*SequenceNumber::parse("18446744073709551615")));
  EXPECT_FALSE(message_of(*SequenceNumber::parse("18446744073709551616")));
}

TEST(NatsBatchMessage, TheHeaderIsReadBackAndFits) {
  const std::vector<Record> records{{"hello", std::nullopt}, {"you", "key"}};
  const EncodedBatch batch = encode(records);
  const std::string header = batch_facts(uuid, ShardId(2), batch, 9);
  EXPECT_EQ(header.substr(0, 7), "2 11 9 ");
  const BatchFacts facts = parse_batch_facts(header);
  EXPECT_EQ(facts.count, 2U);
  EXPECT_EQ(facts.bytes, 11U);
  EXPECT_EQ(facts.version, 9U);
  EXPECT_EQ(header.substr(7), hex(facts.checksum));
  EXPECT_NO_THROW(check(facts, uuid, ShardId(2), batch.payload.view()));
}

TEST(NatsBatchMessage, WhatWasWrittenForAnotherPlaceIsCorrupt) {
  const EncodedBatch batch = encode(std::vector<Record>{{"hello", std::nullopt}});
  const EncodedBatch other = encode(std::vector<Record>{{"hallo", std::nullopt}});
  const BatchFacts facts = parse_batch_facts(batch_facts(uuid, ShardId(2), batch, 9));
  EXPECT_EQ(code_of_check(facts, uuid, ShardId(3), batch.payload.view()), ErrorCode::corrupt);
  EXPECT_EQ(code_of_check(facts, "1" + uuid.substr(1), ShardId(2), batch.payload.view()), ErrorCode::corrupt);
  EXPECT_EQ(code_of_check(facts, uuid, ShardId(2), other.payload.view()), ErrorCode::corrupt);
  EXPECT_EQ(code_of_check(facts, uuid, ShardId(2), batch.payload.view().substr(0, 31)), ErrorCode::corrupt);
  EXPECT_EQ(code_of_check(facts, uuid, ShardId(2), ""), ErrorCode::corrupt);
  BatchFacts changed = facts;
  ++changed.count;
  EXPECT_EQ(code_of_check(changed, uuid, ShardId(2), batch.payload.view()), ErrorCode::corrupt);
  changed = facts;
  ++changed.bytes;
  EXPECT_EQ(code_of_check(changed, uuid, ShardId(2), batch.payload.view()), ErrorCode::corrupt);
}

TEST(NatsBatchMessage, OtherHeadersAreCorrupt) {
  EXPECT_NO_THROW(parse_batch_facts("1048576 0 1 00000000000000ff"));
  for (const char* const header :
       {"", "1", "1 2 3", "1 2 3 4 5", "0 2 3 ff", "1048577 2 3 ff", "-1 2 3 ff", "1  2 3 ff", "1 2 3 ", "1 2 3 xyz",
        "1 2 3 ff ", "1 2 3 10000000000000000", "1.0 2 3 ff"}) {
    try {
      parse_batch_facts(header);
      ADD_FAILURE() << header;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::corrupt) << header;
    }
  }
}

}  // namespace
}  // namespace shardlog::nats
