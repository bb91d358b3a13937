#include <gtest/gtest.h>

#include <string>

#include "shardlog/core/uuid.h"
#include "shardlog/nats/control.h"
#include "shardlog/reshard/plan.h"
#include "support/refusal.h"

namespace shardlog::nats {
namespace {

using namespace std::chrono_literals;
using test::refusal;

constexpr Timestamp start(1'700'000'000s);

Control control_of(std::uint32_t shards) {
  Control control;
  control.uuid = make_uuid();
  control.created_at = start;
  control.epoch = 1;
  for (const HashRange& range : even_ranges(shards)) {
    control.shards.push_back({ShardId(static_cast<std::uint32_t>(control.shards.size())), range, start});
  }
  return control;
}

TEST(NatsControl, ANewStreamComesBackAsItWas) {
  const Control control = control_of(3);
  EXPECT_EQ(decode_control(encode(control)), control);
}

TEST(NatsControl, AnIntentComesBackAsItWas) {
  Control control = control_of(2);
  Intent intent{.epoch = 2};
  for (const auto& planned : reshard::scale(control.map(), 3, {})) intent.steps.push_back(planned.step);
  intent.attributes = {{"gone", std::nullopt}, {"made", "x"}};
  control.intent = intent;
  EXPECT_EQ(decode_control(encode(control)), control);
}

TEST(NatsControl, AnIntentIntoAnEpochThatHasBegunIsCorrupt) {
  Control control = control_of(2);
  control.epoch = 7;
  control.intent = Intent{.steps = {reshard::split(control.map(), ShardId(0), {}, {})[0].step}, .epoch = 7};
  EXPECT_EQ(refusal([&] { decode_control(encode(control)); }), ErrorCode::corrupt);
}

TEST(NatsControl, ATombstoneNeedsNoShards) {
  Control control;
  control.removed = true;
  EXPECT_EQ(decode_control(encode(control)), control);
}

TEST(NatsControl, WhatEveryFieldSaysIsKept) {
  Control control = control_of(2);
  control.settings.retention = 24h;
  control.settings.until_consumed = true;
  control.settings.max_bytes = std::uint64_t{1} << 60U;
  control.settings.when_full = WhenFull::reject;
  control.settings.compression = Compression::lz4;
  control.settings.mode = Mode::on_demand;
  control.settings.limits = capacity::kinesis_limits();
  control.settings.tags = {{"team", "blue"}, {"empty", ""}};
  control.attributes = {{"k", std::string("\0\xff", 2)}};
  control.trimmed = {.sequence = 9, .newest = start + 1s, .moved = 4};
  control.trimmed.shards[ShardId(1)] = {9, 9UL << 20U, 3, 4, 2};
  control.trimmed.counted[start].shards[ShardId(1)].in = {3, 4, 2};
  EXPECT_EQ(decode_control(encode(control)), control);
}

TEST(NatsControl, TenThousandShardsFitIntoAMessageManyTimes) {
  Control control = control_of(max_shards);
  for (const Shard& shard : control.shards) {
    const std::uint64_t number = shard.id.number();
    control.trimmed.shards[shard.id] = {number * 977, (number * 977) << 20U, number * 1009, number * 100'003, number};
  }
  EXPECT_LT(encode(control).size(), 1024U * 1024);
}

TEST(NatsControl, ANewerVersionIsUnsupported) {
  std::string text = encode(control_of(1));
  text[4] = 2;
  EXPECT_EQ(refusal([&] { decode_control(text); }), ErrorCode::unsupported);
}

TEST(NatsControl, SomethingElseIsCorrupt) {
  for (const std::string& text : {std::string(), std::string("SLCM"), std::string(100, 'x')}) {
    EXPECT_EQ(refusal([&] { decode_control(text); }), ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace shardlog::nats
