#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "shardlog/kinesis/arn.h"
#include "shardlog/kinesis/sequence_number.h"

namespace shardlog::kinesis {
namespace {

SequenceNumber any_number() {
  return {*rc::gen::inRange<std::int64_t>(0, end_of_time), *rc::gen::inRange<std::uint32_t>(0, 0x8000'0000U),
          *rc::gen::inRange<std::uint64_t>(0, after_all_records), *rc::gen::inRange<std::int64_t>(0, end_of_time)};
}

RC_GTEST_PROP(KinesisSequenceNumberLaws, WhatIsWrittenIsRead, ()) {
  const SequenceNumber number = any_number();
  RC_ASSERT(parse_sequence_number(to_string(number)) == number);
}

RC_GTEST_PROP(KinesisSequenceNumberLaws, NumbersOfAShardAreOrderedAsTheirRecords, ()) {
  const SequenceNumber a = any_number();
  SequenceNumber b = any_number();
  b.opened = a.opened;
  b.shard = a.shard;
  RC_PRE(a.number != b.number);
  RC_ASSERT((to_string(a) < to_string(b)) == (a.number < b.number));
}

RC_GTEST_PROP(KinesisSequenceNumberLaws, AShardThatOpenedLaterHasGreaterNumbers, ()) {
  const SequenceNumber a = any_number();
  const SequenceNumber b = any_number();
  RC_PRE(a.opened != b.opened);
  RC_ASSERT((to_string(a) < to_string(b)) == (a.opened < b.opened));
}

RC_GTEST_PROP(KinesisSequenceNumberLaws, WhatIsReadHasItsShardAndNumber, ()) {
  // Any 56 digits: what is accepted keeps its fields when it is written again.
  std::string digits = "4" + *rc::gen::container<std::string>(55, rc::gen::inRange('0', static_cast<char>('9' + 1)));
  const auto read = parse_sequence_number(digits);
  if (read) RC_ASSERT(parse_sequence_number(to_string(*read)) == read);
}

RC_GTEST_PROP(KinesisArnLaws, AnyTextIsReadOrRefused, ()) {
  const auto text = *rc::gen::arbitrary<std::string>();
  const auto read = parse_stream_arn("arn:aws:kinesis:us-east-1:000000000000:stream/" + text);
  RC_ASSERT(read.has_value() == is_name(text));
}

}  // namespace
}  // namespace shardlog::kinesis
