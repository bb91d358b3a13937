#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <string>

#include "tools/common/sampler.h"

namespace shardlog::cli {
namespace {

double any_percent() {
  return *rc::gen::inRange(1, 100'001) / 1000.0;
}

std::string any_key() {
  return *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
}

int kept_of(Sampler& sampler, int records) {
  int kept = 0;
  for (int i = 0; i < records; ++i) kept += sampler.keeps(std::nullopt) ? 1 : 0;
  return kept;
}

RC_GTEST_PROP(SamplerProperty, ByRecordEveryRunHasItsShareWithinOne, ()) {
  const double percent = any_percent();
  Sampler sampler(percent, Sampler::By::record);
  (void)kept_of(sampler, *rc::gen::inRange(0, 5000));
  const int run = *rc::gen::inRange(0, 5000);
  const double share = run * percent / 100;
  RC_ASSERT(std::abs(kept_of(sampler, run) - share) <= 1.000001);  // shares are doubles, summed up
}

RC_GTEST_PROP(SamplerProperty, ByKeyAllRecordsOfOneOrNoneInEveryRun, ()) {
  const double percent = any_percent();
  Sampler one(percent, Sampler::By::key);
  Sampler other(percent, Sampler::By::key);
  const std::string key = any_key();
  const bool kept = one.keeps(key);
  for (int times = 0; times < 20; ++times) {
    (void)one.keeps(any_key());
    (void)one.keeps(std::nullopt);
    RC_ASSERT(one.keeps(key) == kept);
  }
  RC_ASSERT(other.keeps(key) == kept);
}

RC_GTEST_PROP(SamplerProperty, ByKeyALargerShareHoldsASmallerOne, ()) {
  const double percent = any_percent();
  Sampler small(percent * *rc::gen::inRange(1, 101) / 100, Sampler::By::key);
  Sampler large(percent, Sampler::By::key);
  for (int times = 0; times < 20; ++times) {
    const std::string key = any_key();
    if (small.keeps(key)) RC_ASSERT(large.keeps(key));
  }
}

struct Bounds {
  double percent;
  int least;
  int most;
};

// Of 10,000 keys, each kept with that probability: six standard deviations, the square root of 10,000 p (1-p), to
// either side of the share.
constexpr Bounds bounds[] = {
    {1, 40, 160},      // 100 and 6 * 9.95
    {10, 820, 1180},   // 1000 and 6 * 30
    {50, 4700, 5300},  // 5000 and 6 * 50
    {90, 8820, 9180},  // 9000 and 6 * 30
    {99, 9840, 9960},  // 9900 and 6 * 9.95
};

RC_GTEST_PROP(SamplerProperty, ByKeyManyKeysHaveTheirShare, ()) {
  const std::string prefix = any_key();
  for (const auto& [percent, least, most] : bounds) {
    Sampler sampler(percent, Sampler::By::key);
    int kept = 0;
    for (int i = 0; i < 10'000; ++i) kept += sampler.keeps(prefix + std::to_string(i)) ? 1 : 0;
    RC_ASSERT(kept >= least);
    RC_ASSERT(kept <= most);
  }
}

}  // namespace
}  // namespace shardlog::cli
