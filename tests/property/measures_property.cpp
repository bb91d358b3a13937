#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <string>

#include "shardlog/metrics/measures.h"
#include "support/refusal.h"

namespace shardlog::metrics {
namespace {

std::string stored() {
  using namespace std::chrono_literals;
  Measures measures;
  measures.shards[ShardId(1)] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {}, {0, 0, 1}};
  measures.put.add(1ms, 100);
  measures.put.add(30ms);
  measures.readers["consumer"].age.add(1h, 5);
  measures.readers["consumer"].out = {300, 70'000, 2};
  return measures.encode();
}

RC_GTEST_PROP(MeasuresProperty, WhateverTheBytesAreTheyAreRefusedOrComeBack, ()) {
  std::string bytes = stored();
  for (int changes = *rc::gen::inRange(1, 4); changes > 0; --changes) {
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  }
  const auto code = test::refusal([&] {
    const Measures measures = Measures::decode(bytes);
    RC_ASSERT(Measures::decode(measures.encode()) == measures);
    Measures sum = measures;
    sum += measures;
    RC_ASSERT(Measures::decode(sum.encode()) == sum);
  });
  const bool is_refused_as_damaged = code == ErrorCode::corrupt;
  RC_ASSERT(!code || is_refused_as_damaged);
}

}  // namespace
}  // namespace shardlog::metrics
