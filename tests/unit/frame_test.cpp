#include "shardlog/core/frame.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "support/frame_parts.h"
#include "support/inspect.h"
#include "support/owned_record.h"
#include "support/refusal.h"

namespace shardlog {
namespace {

using test::FrameParts;
using test::OwnedRecord;
using test::read_frame;
using test::refusal;

const std::vector<OwnedRecord> records{{"a", "k1"}, {"\n", std::nullopt, HashKey(256)}, {"", "é", max_hash_key}};

std::string payload() {
  return std::string(encode(test::borrow(records)).payload.view());
}

FrameOrigin origin() {
  return {"00112233-4455-6677-8899-aabbccddeeff", ShardId(3), SequenceNumber(1234), Timestamp(Duration(1))};
}

/// What origin() and payload() make, by the description.
FrameParts parts() {
  return {.digits = "1234",
          .payload = payload(),
          .shard = 3,
          .stream = std::string("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16),
          .arrived_at = 1};
}

std::string frame_of(const FrameOrigin& from) {
  return frame_header(from, payload()) + payload();
}

TEST(Frame, IsWrittenAsDescribed) {
  EXPECT_EQ(frame_of(origin()), parts().sealed());
}

TEST(Frame, IsReadAsDescribed) {
  const Frame frame = read_frame(parts().sealed());
  EXPECT_EQ(frame.origin, origin());
  EXPECT_EQ(test::own(frame.records), records);
  EXPECT_TRUE(test::hangs_together(frame.records));
}

TEST(Frame, FirstAndLastSequenceNumber) {
  for (const std::string& digits : {std::string("0"), std::string("18446744073709551615"), std::string(129, '9')}) {
    FrameOrigin from = origin();
    from.first_sequence = SequenceNumber::parse(digits).value();
    EXPECT_EQ(read_frame(frame_of(from)).origin, from) << digits;
  }
}

TEST(Frame, FirstAndLastShard) {
  for (const std::uint32_t number : {0U, std::numeric_limits<std::uint32_t>::max()}) {
    FrameOrigin from = origin();
    from.shard = ShardId(number);
    EXPECT_EQ(read_frame(frame_of(from)).origin, from) << number;
  }
}

TEST(Frame, FirstAndLastArrivalTime) {
  for (const Timestamp time : {Timestamp::min(), Timestamp(Duration(-1)), Timestamp(), Timestamp::max()}) {
    FrameOrigin from = origin();
    from.arrived_at = time;
    EXPECT_EQ(read_frame(frame_of(from)).origin, from) << time.time_since_epoch().count();
  }
}

TEST(Frame, FirstAndLastStream) {
  for (const char* uuid : {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}) {
    FrameOrigin from = origin();
    from.stream = uuid;
    EXPECT_EQ(read_frame(frame_of(from)).origin, from) << uuid;
  }
}

TEST(Frame, StreamsWithoutAUuidAreADefect) {
  for (const char* name : {"", "orders", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeeff0",
                           "g0112233-4455-6677-8899-aabbccddeeff", "0g112233-4455-6677-8899-aabbccddeeff",
                           "00112233-4455-6677-8899-aabbccddee f"}) {
    FrameOrigin from = origin();
    from.stream = name;
    EXPECT_EQ(refusal([&] { frame_header(from, payload()); }), ErrorCode::internal) << name;
  }
}

TEST(FrameSize, IsToldByThePrefix) {
  const std::string frame = parts().sealed();
  EXPECT_EQ(frame_size(frame), frame.size());
  EXPECT_EQ(frame_size(frame.substr(0, 48)), frame.size());
}

TEST(FrameSize, TheLargest) {
  constexpr std::uint32_t rest = (64U << 20) - 48 - 129;
  FrameParts large{.digits = std::string(129, '1'), .payload_size = rest};
  EXPECT_EQ(frame_size(large.sealed()), largest_frame);
  large.payload_size = rest + 1;
  EXPECT_EQ(refusal([&] { frame_size(large.sealed()); }), ErrorCode::malformed);
  large.payload_size = std::numeric_limits<std::uint32_t>::max();
  EXPECT_EQ(refusal([&] { frame_size(large.sealed()); }), ErrorCode::malformed);
}

TEST(FrameSize, RefusesImpossibleNumbersOfDigits) {
  for (const std::uint8_t count : {std::uint8_t{0}, std::uint8_t{130}, std::uint8_t{255}}) {
    FrameParts spoilt = parts();
    spoilt.digits = std::string(count, '1');
    EXPECT_EQ(refusal([&] { frame_size(spoilt.sealed()); }), ErrorCode::malformed) << int{count};
  }
}

TEST(FrameSize, RefusesOtherBeginnings) {
  for (std::size_t at = 0; at < 4; ++at) {
    std::string frame = parts().sealed();
    frame[at] = 'x';
    test::seal_frame(frame);
    EXPECT_EQ(refusal([&] { frame_size(frame); }), ErrorCode::malformed) << at;
  }
}

TEST(FrameSize, KnowsItsOwnVersionOnly) {
  for (const std::uint8_t version : {std::uint8_t{0}, std::uint8_t{2}, std::uint8_t{255}}) {
    FrameParts newer = parts();
    newer.version = version;
    EXPECT_EQ(refusal([&] { frame_size(newer.sealed()); }), ErrorCode::unsupported) << int{version};
  }
}

TEST(FrameDamage, CutOffAtEveryLength) {
  const std::string frame = parts().sealed();
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_EQ(refusal([&] { read_frame(frame.substr(0, size)); }), ErrorCode::malformed) << size;
  }
}

TEST(FrameDamage, BytesAfterTheEnd) {
  EXPECT_EQ(refusal([] { read_frame(parts().sealed() + '\0'); }), ErrorCode::malformed);
  EXPECT_EQ(refusal([] { read_frame(parts().sealed() + parts().sealed()); }), ErrorCode::malformed);
}

TEST(FrameDamage, EveryByteFlipped) {
  const std::string frame = parts().sealed();
  constexpr std::size_t version = 4;
  for (std::size_t at = 0; at < frame.size(); ++at) {
    for (unsigned change = 1; change < 256; ++change) {
      std::string damaged = frame;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ change);
      ASSERT_EQ(refusal([&] { read_frame(damaged); }), at == version ? ErrorCode::unsupported : ErrorCode::malformed)
          << "byte " << at << " ^ " << change;
    }
  }
}

TEST(FrameHostile, RefusesTextsThatAreNotSequenceNumbers) {
  for (const char* digits : {"01", "-1", "+1", "1 ", " 1", "1.", "x", "1\n"}) {
    FrameParts spoilt = parts();
    spoilt.digits = digits;
    EXPECT_EQ(refusal([&] { read_frame(spoilt.sealed()); }), ErrorCode::malformed) << digits;
  }
}

TEST(FrameHostile, BytesThatShouldBeZero) {
  for (const std::uint16_t bytes : {std::uint16_t{1}, std::uint16_t{0x100}, std::uint16_t{0xffff}}) {
    FrameParts spoilt = parts();
    spoilt.zero = bytes;
    EXPECT_EQ(refusal([&] { read_frame(spoilt.sealed()); }), ErrorCode::malformed) << bytes;
  }
}

TEST(FrameHostile, SizesOfThePayload) {
  const auto size = static_cast<std::uint32_t>(payload().size());
  for (const std::uint32_t other : {0U, size - 1, size + 1, 0x7fffffffU, 0xffffffffU}) {
    FrameParts spoilt = parts();
    spoilt.payload_size = other;
    EXPECT_EQ(refusal([&] { read_frame(spoilt.sealed()); }), ErrorCode::malformed) << other;
  }
}

TEST(FrameHostile, NumbersOfDigits) {
  for (unsigned count = 0; count < 256; ++count) {
    if (count == 4) continue;
    FrameParts spoilt = parts();
    spoilt.digit_count = static_cast<std::uint8_t>(count);
    EXPECT_EQ(refusal([&] { read_frame(spoilt.sealed()); }), ErrorCode::malformed) << count;
  }
}

TEST(FrameHostile, NoPayload) {
  FrameParts spoilt = parts();
  spoilt.payload.clear();
  EXPECT_EQ(refusal([&] { read_frame(spoilt.sealed()); }), ErrorCode::malformed);
}

TEST(FrameHostile, PayloadsThatAreNoBatch) {
  for (const std::string& other :
       {std::string(1, '\0'), std::string(32, '\0'), payload().substr(1), payload() + '\0'}) {
    FrameParts spoilt = parts();
    spoilt.payload = other;
    EXPECT_EQ(refusal([&] { read_frame(spoilt.sealed()); }), ErrorCode::malformed);
  }
}

TEST(FrameHostile, PayloadsOfANewerVersion) {
  FrameParts newer = parts();
  newer.payload[4] = 2;
  test::seal(newer.payload);
  EXPECT_EQ(refusal([&] { read_frame(newer.sealed()); }), ErrorCode::unsupported);
}

}  // namespace
}  // namespace shardlog
