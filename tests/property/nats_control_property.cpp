#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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

/// As a reshard ends: every closed shard has an end.
void apply_all(Control& control, const reshard::Plan& plan) {
  std::uint64_t sequence = 100;
  for (const auto& planned : plan) {
    const ShardMap map = apply(control.map(), planned.step, start + 1h);
    control.version = map.version();
    control.shards = map.shards();
    for (const ShardId id : planned.step.closes) control.ends[id] = ++sequence;
  }
}

RC_GTEST_PROP(NatsControl, ReshardedStreamsComeBackAsTheyWere, ()) {
  Control control = control_of(*rc::gen::inRange(1U, 8U));
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    apply_all(control, reshard::scale(control.map(), *rc::gen::inRange(1U, 12U), {}));
    ++control.epoch;
  }
  control.trimmed.sequence = *rc::gen::arbitrary<std::uint64_t>();
  for (const Shard& shard : control.shards) {
    if (*rc::gen::arbitrary<bool>()) control.trimmed.shards[shard.id].bytes = *rc::gen::arbitrary<std::uint64_t>();
  }
  control.attributes["x"] = *rc::gen::arbitrary<std::string>();
  RC_ASSERT(decode_control(encode(control)) == control);
}

RC_GTEST_PROP(NatsControl, AnyDamageIsFound, ()) {
  std::string text = encode(control_of(*rc::gen::inRange(1U, 5U)));
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  text[at] = static_cast<char>(text[at] ^ *rc::gen::inRange(1, 255));
  const auto refused = refusal([&] { decode_control(text); });
  RC_ASSERT(refused == ErrorCode::corrupt || (at == 4 && refused == ErrorCode::unsupported));
}

RC_GTEST_PROP(NatsControl, WhatIsCutOffIsFound, ()) {
  const std::string text = encode(control_of(*rc::gen::inRange(1U, 5U)));
  const auto size = *rc::gen::inRange<std::size_t>(0, text.size());
  RC_ASSERT(refusal([&] { decode_control(text.substr(0, size)); }) == ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog::nats
