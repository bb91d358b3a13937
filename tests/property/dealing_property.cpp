#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/producing/runs.h"
#include "support/shards.h"

namespace shardlog::producing {
namespace {

/// Often short, now and then longer than a run.
rc::Gen<std::vector<std::uint32_t>> record_sizes() {
  const auto size = rc::gen::weightedOneOf<std::uint32_t>({{50, rc::gen::inRange<std::uint32_t>(0, 200)},
                                                           {5, rc::gen::inRange<std::uint32_t>(0, 20'000)},
                                                           {1, rc::gen::inRange<std::uint32_t>(0, 1U << 20)}});
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 3000), [size](std::size_t count) {
    return rc::gen::container<std::vector<std::uint32_t>>(count, size);
  });
}

std::uint64_t bytes_of(const std::vector<std::uint32_t>& sizes, std::size_t first, std::size_t count) {
  const auto from = sizes.begin() + static_cast<std::ptrdiff_t>(first);
  return std::accumulate(from, from + static_cast<std::ptrdiff_t>(count), std::uint64_t{count});
}

RC_GTEST_PROP(Dealing, AShortInputIsCutIntoEqualRunsThatAreWorthIt, ()) {
  const auto sizes = *record_sizes();
  const auto shards = *rc::gen::inRange<std::size_t>(1, 70);
  const auto runs = cut_into_runs(sizes, shards, short_input - 1);
  RC_ASSERT(std::accumulate(runs.begin(), runs.end(), std::size_t{0}) == sizes.size());
  if (sizes.empty()) return;
  const auto [least, most] = std::minmax_element(runs.begin(), runs.end());
  RC_ASSERT(*most - *least <= 1U);
  RC_ASSERT(runs.size() <= shards);
  RC_ASSERT(runs.size() == 1U || *least >= 256U);
  RC_ASSERT(runs.size() == shards || *most < 512U);
}

RC_GTEST_PROP(Dealing, ALongInputIsCutIntoRunsOfAbout256KiB, ()) {
  const auto sizes = *record_sizes();
  const auto shards = *rc::gen::inRange<std::size_t>(2, 70);
  const auto runs = cut_into_runs(sizes, shards, short_input);
  std::size_t at = 0;
  for (const std::size_t run : runs) {
    RC_ASSERT(run > 0U);
    const std::uint64_t longest = *std::max_element(sizes.begin() + static_cast<std::ptrdiff_t>(at),
                                                    sizes.begin() + static_cast<std::ptrdiff_t>(at + run));
    RC_ASSERT(bytes_of(sizes, at, run) <= 384U * 1024 + longest + 1);
    at += run;
  }
  RC_ASSERT(at == sizes.size());
  RC_ASSERT(runs.size() <= bytes_of(sizes, 0, at) / (192U * 1024) + 1);
}

RC_GTEST_PROP(Dealing, NoShardIsMoreThanOneRunAheadOfAnother, ()) {
  const auto shards = *rc::gen::inRange<std::uint32_t>(1, 40);
  const auto sizes = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 400'000));
  const auto turn = *rc::gen::arbitrary<std::uint64_t>();
  Router router(ShardMap(1, test::open_shards(even_ranges(shards))), turn);
  std::vector<std::uint64_t> dealt(shards);
  std::uint64_t longest = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::size_t place = router.deal(sizes[i]);
    if (i == 0) RC_ASSERT(place == turn % shards);
    dealt.at(place) += sizes[i];
    longest = std::max(longest, sizes[i]);
    const auto [least, most] = std::minmax_element(dealt.begin(), dealt.end());
    RC_ASSERT(*most - *least <= longest);
  }
}

RC_GTEST_PROP(Dealing, IsEvenFromAsManyMebibytesAsThereAreShards, ()) {
  const auto shards = *rc::gen::inRange<std::uint32_t>(2, 20);
  const auto size = *rc::gen::inRange<std::uint32_t>(100, 4000);
  constexpr std::uint64_t mebibyte = 1UL << 20;
  Router router(ShardMap(1, test::open_shards(even_ranges(shards))), 0);
  std::vector<std::uint64_t> dealt(shards);
  std::uint64_t read = 0;
  while (read < 3 * shards * mebibyte) {
    const auto count = *rc::gen::oneOf(rc::gen::just<std::size_t>(mebibyte / (size + 1)),
                                       rc::gen::inRange<std::size_t>(1, mebibyte / (size + 1) + 1));
    read += count * (size + 1);
    for (const std::size_t run : cut_into_runs(std::vector<std::uint32_t>(count, size), shards, read)) {
      dealt.at(router.deal(run * (size + 1))) += run * (size + 1);
    }
    const auto [least, most] = std::minmax_element(dealt.begin(), dealt.end());
    RC_ASSERT(read < shards * mebibyte || *most <= 2 * *least);
  }
}

}  // namespace
}  // namespace shardlog::producing
