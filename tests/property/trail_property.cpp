#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/stream-put/counted_input.h"

namespace shardlog::cli {
namespace {

RC_GTEST_PROP(TrailProperty, IsShortAndBoundsWhereAnInputDiffers, ()) {
  // Steps of one, steps of any size, and leaps.
  const auto steps = *rc::gen::container<std::vector<std::uint64_t>>(
      *rc::gen::inRange<std::size_t>(1, 500),
      rc::gen::oneOf(rc::gen::just<std::uint64_t>(1), rc::gen::inRange<std::uint64_t>(1, 1000),
                     rc::gen::inRange<std::uint64_t>(1, 1ULL << 50)));
  Trail trail;
  std::vector<std::uint64_t> added{0};
  for (const std::uint64_t step : steps) {
    added.push_back(added.back() + step);
    trail.add({added.back(), {}});
    const std::uint64_t end = added.back();
    RC_ASSERT(trail.entries().back().position == end);
    RC_ASSERT(static_cast<double>(trail.entries().size()) <= 2 * std::log2(static_cast<double>(end)) + 3);
    std::uint64_t before = 0;
    for (const Trail::Entry& entry : trail.entries()) {
      const auto at = std::lower_bound(added.begin(), added.end(), entry.position);
      RC_ASSERT(at != added.end() && *at == entry.position);
      RC_ASSERT(*std::prev(at) == before || entry.position - before <= end - entry.position);
      before = entry.position;
    }
  }
  RC_ASSERT(Trail::of_proof(trail.to_proof()).entries() == trail.entries());
}

}  // namespace
}  // namespace shardlog::cli
