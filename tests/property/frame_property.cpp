#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "property/generators.h"
#include "shardlog/core/frame.h"
#include "support/frame_parts.h"
#include "support/inspect.h"
#include "support/owned_record.h"
#include "support/refusal.h"

namespace shardlog {
namespace {

std::string any_uuid() {
  std::string uuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  for (char& c : uuid) {
    if (c == 'x') c = *rc::gen::elementOf(std::string("0123456789abcdef"));
  }
  return uuid;
}

SequenceNumber any_sequence() {
  const auto digit = rc::gen::elementOf(std::string("0123456789"));
  const auto digits = *rc::gen::elementOf(std::string("123456789")) +
                      *rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(0, 129), digit);
  return SequenceNumber::parse(digits).value();
}

FrameOrigin any_origin() {
  return {any_uuid(), ShardId(*rc::gen::arbitrary<std::uint32_t>()), any_sequence(),
          Timestamp(Duration(*rc::gen::arbitrary<std::int64_t>()))};
}

std::string small_payload() {
  const auto data = *rc::gen::resize(10, rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(
                                             rc::gen::container<std::string>(rc::gen::arbitrary<char>()))));
  std::vector<Record> records;
  for (const std::string& each : data) records.push_back({each, "key"});
  return std::string(encode(records).payload.view());
}

std::string any_frame() {
  const std::string payload = small_payload();
  return frame_header(any_origin(), payload) + payload;
}

/// Decodes and reads all of it. Nothing where that went well.
std::optional<ErrorCode> read(const std::string& frame) {
  return test::refusal([&] { RC_ASSERT(test::hangs_together(test::read_frame(frame).records)); });
}

bool refused(const std::optional<ErrorCode>& code) {
  return code == ErrorCode::malformed || code == ErrorCode::unsupported;
}

RC_GTEST_PROP(FrameProperty, DecodesWhatWasEncoded, ()) {
  const FrameOrigin origin = any_origin();
  const auto records = *test::batches();
  const EncodedBatch batch = encode(test::borrow(records));
  const std::string frame = frame_header(origin, batch.payload.view()) + std::string(batch.payload.view());
  const Frame decoded = test::read_frame(frame);
  RC_ASSERT((decoded.origin == origin));
  RC_ASSERT(test::own(decoded.records) == records);
}

RC_GTEST_PROP(FrameProperty, ThePrefixTellsTheSize, ()) {
  const std::string frame = any_frame();
  RC_ASSERT(frame_size(frame.substr(0, frame_prefix_size)) == frame.size());
}

RC_GTEST_PROP(FrameProperty, RandomBytesAreRefused, ()) {
  RC_ASSERT(refused(read(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()))));
}

RC_GTEST_PROP(FrameProperty, EveryTruncationIsRefused, ()) {
  const std::string frame = any_frame();
  for (std::size_t size = 0; size < frame.size(); ++size) RC_ASSERT(refused(read(frame.substr(0, size))));
}

RC_GTEST_PROP(FrameProperty, EveryFlippedBitIsRefused, ()) {
  const std::string frame = any_frame();
  for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    std::string damaged = frame;
    damaged[bit / 8] = static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ 1U << bit % 8);
    RC_ASSERT(refused(read(damaged)));
  }
}

RC_GTEST_PROP(FrameProperty, ChangesWithANewChecksumAreRefusedOrAnotherFrame, ()) {
  const std::string frame = any_frame();
  for (int times = 0; times < 50; ++times) {
    std::string changed = frame;
    const auto at = *rc::gen::inRange<std::size_t>(0, frame_prefix_size + 1);
    changed[at] = *rc::gen::arbitrary<char>();
    test::seal_frame(changed);
    const auto code = read(changed);
    if (code) {
      RC_ASSERT(refused(code));
      continue;
    }
    const Frame decoded = test::read_frame(changed);
    RC_ASSERT(frame_header(decoded.origin, decoded.records.payload()) + std::string(decoded.records.payload()) ==
              changed);
  }
}

}  // namespace
}  // namespace shardlog
