#include <gtest/gtest.h>

#include <string>

#include "shardlog/kinesis/arn.h"
#include "shardlog/kinesis/sequence_number.h"

namespace shardlog::kinesis {
namespace {

using namespace std::chrono_literals;

// int("2" "065920080" "7" "0000000000000001" "00" "065920081" "00000007" "2", 16) in Python.
constexpr SequenceNumber known{0x65920080, 7, 1, 0x65920081};
const std::string known_text = "49647888802718525053313650832991624626247752737259257970";

TEST(KinesisSequenceNumber, IsTheDecimalOfItsHexadecimalFields) {
  EXPECT_EQ(to_string(known), known_text);
  EXPECT_EQ(parse_sequence_number(known_text), known);
}

TEST(KinesisSequenceNumber, OfAmazonIsRead) {
  // The sample event of the AWS Lambda developer guide, "Using Lambda with Kinesis": it is of shardId-000000000006.
  const auto read = parse_sequence_number("49590338271490256608559692538361571095921575989136588898");
  EXPECT_EQ(read, (SequenceNumber{1542776258, 6, 1734642199, 1545084650}));
  // The Kinesis API reference, "SplitShard" and the like.
  EXPECT_EQ(parse_sequence_number("49543463076548007577105092703039560359975228518395019266"),
            (SequenceNumber{1411403981, 0, 5501, 1411431220}));
}

TEST(KinesisSequenceNumber, OfAnotherFormIsRefused) {
  EXPECT_EQ(parse_sequence_number(""), std::nullopt);
  EXPECT_EQ(parse_sequence_number("0"), std::nullopt);
  EXPECT_EQ(parse_sequence_number("1"), std::nullopt);
  EXPECT_EQ(parse_sequence_number("49545115243490985018280067714973144582180062593244200961"), std::nullopt)
      << "version 1, of 2014";
  EXPECT_EQ(parse_sequence_number("0" + known_text), std::nullopt);
  EXPECT_EQ(parse_sequence_number(known_text + "0"), std::nullopt);
  EXPECT_EQ(parse_sequence_number(known_text.substr(1)), std::nullopt);
  EXPECT_EQ(parse_sequence_number("-" + known_text.substr(1)), std::nullopt);
  EXPECT_EQ(parse_sequence_number("4" + std::string(54, '9') + "x"), std::nullopt);
  EXPECT_EQ(parse_sequence_number(std::string(56, '9')), std::nullopt);
}

TEST(KinesisSequenceNumber, HasTheBoundsOfItsFields) {
  // The same sum with opened 3bb2cc3d7 (end_of_time - 1), number 7fff..., arrived the same, shard 7fffffff.
  const SequenceNumber largest{end_of_time - 1, INT32_MAX, after_all_records, end_of_time - 1};
  EXPECT_EQ(to_string(largest), "54757830818687100754102394022356121497630949075981434866");
  EXPECT_EQ(parse_sequence_number("54757830818687100754102394022356121497630949075981434866"), largest);
  EXPECT_EQ(parse_sequence_number("54757830818720551871900189957070841825437510376840232978"), std::nullopt)
      << "opened at end_of_time";
  EXPECT_EQ(parse_sequence_number("49039857308098706508441390773786768945570998304949403666"), std::nullopt)
      << "number 8000...";
  EXPECT_EQ(parse_sequence_number("49039857308065255390643594839075674293981640426224877570"), std::nullopt)
      << "shard 80000000";
  EXPECT_EQ(to_string(SequenceNumber{-1, 0, 0, end_of_time}), to_string(SequenceNumber{0, 0, 0, end_of_time - 1}));
  EXPECT_EQ(to_string(SequenceNumber{}).size(), 56U);
}

TEST(KinesisSequenceNumber, ThatArrivesAtTheEndOfTimeIsRefused) {
  // Found by fuzzing: written again, it was another number. The sum with arrived 52c8f7eea, far after end_of_time.
  EXPECT_EQ(parse_sequence_number("49590328271490256608559692538361571095921575989136588898"), std::nullopt);
}

TEST(KinesisSequenceNumber, OfAChildIsGreaterThanThoseOfItsParents) {
  const Timestamp start{1700000000s};
  const HashKey middle(max_hash_key.value() / 2);
  const HashRange low{HashKey(), middle};
  const HashRange high{HashKey(middle.value() + 1), max_hash_key};
  const HashRange all{HashKey(), max_hash_key};
  const ShardMap map(1, {{ShardId(0), all, start + 900ms, start + 950ms},
                         {ShardId(1), low, start + 950ms, start + 10s, ShardId(0)},
                         {ShardId(2), high, start + 950ms, start + 10s, ShardId(0)},
                         {ShardId(3), all, start + 10s, std::nullopt, ShardId(1), ShardId(2)}});
  EXPECT_EQ(opened_seconds(map), (std::vector<std::int64_t>{1700000000, 1700000001, 1700000001, 1700000010}));
  EXPECT_LT(to_string(SequenceNumber{1700000000, 0, after_all_records, end_of_time - 1}),
            to_string(SequenceNumber{1700000001, 1, 0, 0}));
}

TEST(KinesisArn, OfAStreamIsWrittenAndRead) {
  const std::string text = "arn:aws:kinesis:eu-central-1:123456789012:stream/or_d.e-rs";
  EXPECT_EQ(to_string(StreamArn{{"eu-central-1", "123456789012"}, "or_d.e-rs"}), text);
  const auto read = parse_stream_arn(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->account.region, "eu-central-1");
  EXPECT_EQ(read->account.id, "123456789012");
  EXPECT_EQ(read->stream, "or_d.e-rs");
  EXPECT_EQ(to_string(StreamArn{{"cn-north-1", "123456789012"}, "a"}),
            "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/a");
  EXPECT_EQ(to_string(StreamArn{{"us-gov-west-1", "123456789012"}, "a"}),
            "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/a");
  EXPECT_TRUE(parse_stream_arn("arn:aws-cn:kinesis:cn-north-1:123456789012:stream/a"));
}

TEST(KinesisArn, OfAConsumerIsWrittenAndRead) {
  const std::string text = "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/billing:1700000000";
  EXPECT_EQ(to_string(ConsumerArn{{{"us-east-1", "000000000000"}, "orders"}, "billing", 1700000000}), text);
  const auto read = parse_consumer_arn(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->stream.stream, "orders");
  EXPECT_EQ(read->consumer, "billing");
  EXPECT_EQ(read->created, 1700000000U);
  EXPECT_FALSE(parse_stream_arn(text)) << "not of a stream";
}

TEST(KinesisArn, OfAnotherFormIsRefused) {
  for (const char* const text :
       {"", "arn", "orders", "arn:aws:kinesis:us-east-1:000000000000:stream/",
        "arn:aws:s3:us-east-1:000000000000:stream/a", "arn:aws:kinesis:us-east-1:00000000000:stream/a",
        "arn:aws:kinesis:us-east-1:00000000000x:stream/a", "arn:gcp:kinesis:us-east-1:000000000000:stream/a",
        "arn:aws:kinesis:us-east-1:000000000000:table/a", "arn:aws:kinesis:us-east-1:000000000000:stream/a/b",
        "urn:aws:kinesis:us-east-1:000000000000:stream/a", "arn:aws:kinesis:us-east-1:000000000000:stream/a b"}) {
    EXPECT_FALSE(parse_stream_arn(text)) << text;
  }
  for (const char* const text : {"", "arn:aws:kinesis:us-east-1:000000000000:stream/a",
                                 "arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/",
                                 "arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/b",
                                 "arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/b:",
                                 "arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/b:x",
                                 "arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/:1",
                                 "arn:aws:kinesis:us-east-1:000000000000:stream//consumer/b:1"}) {
    EXPECT_FALSE(parse_consumer_arn(text)) << text;
  }
}

TEST(KinesisName, IsOneTo128OfItsCharacters) {
  EXPECT_FALSE(is_name(""));
  EXPECT_TRUE(is_name("a"));
  EXPECT_TRUE(is_name(std::string(128, 'Z')));
  EXPECT_FALSE(is_name(std::string(129, 'Z')));
  EXPECT_FALSE(is_name("a/b"));
  EXPECT_FALSE(is_name("\xc3\xa4"));
}

}  // namespace
}  // namespace shardlog::kinesis
