#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "shardlog/metrics/histogram.h"

namespace shardlog::metrics {
namespace {

using Lengths = std::vector<std::int64_t>;

/// From microseconds to years, each order of magnitude as often as the others.
rc::Gen<std::int64_t> lengths() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::inRange(0, 62), rc::gen::arbitrary<std::uint64_t>()),
      [](const auto& part) { return static_cast<std::int64_t>(part.second % (std::uint64_t{1} << part.first)); });
}

Lengths some_lengths() {
  return *rc::gen::nonEmpty(rc::gen::container<Lengths>(lengths()));
}

Histogram histogram_of(const Lengths& all) {
  Histogram histogram;
  for (const std::int64_t length : all) histogram.add(Duration(length));
  return histogram;
}

RC_GTEST_PROP(HistogramProperty, PercentilesAreWithinOnePercentOfThoseOfTheSortedLengths, ()) {
  Lengths all = some_lengths();
  const Histogram histogram = histogram_of(all);
  std::sort(all.begin(), all.end());
  const auto percent = *rc::gen::inRange(0, 101);
  const auto rank = std::max<std::size_t>((all.size() * static_cast<std::size_t>(percent) + 99) / 100, 1);
  const auto exact = static_cast<double>(all[rank - 1]);
  const auto told = static_cast<double>(histogram.percentile(percent / 100.0).count());
  RC_ASSERT(std::abs(told - exact) <= exact / 100);
  if (exact < 128) RC_ASSERT(told == exact);
  RC_ASSERT(histogram.count() == all.size());
  RC_ASSERT(histogram.max().count() == all.back());
}

RC_GTEST_PROP(HistogramProperty, CountsUpToALengthAreThoseOfALengthWithinTwoPercent, ()) {
  const Lengths all = some_lengths();
  const std::int64_t length = *lengths();
  const auto count_up_to = [&](double most) {
    return static_cast<std::uint64_t>(
        std::count_if(all.begin(), all.end(), [most](std::int64_t each) { return static_cast<double>(each) <= most; }));
  };
  const std::uint64_t told = histogram_of(all).at_most(Duration(length));
  RC_ASSERT(told >= count_up_to(static_cast<double>(length)));
  RC_ASSERT(told <= count_up_to(static_cast<double>(length) * 1.02));
}

RC_GTEST_PROP(HistogramProperty, AddingTwoIsAddingTheirLengths, ()) {
  const Lengths first = some_lengths();
  const Lengths second = some_lengths();
  Lengths both = first;
  both.insert(both.end(), second.begin(), second.end());
  Histogram sum = histogram_of(first);
  sum.add(histogram_of(second));
  const Histogram expected = histogram_of(both);
  RC_ASSERT(sum.count() == expected.count());
  RC_ASSERT(sum.max() == expected.max());
  RC_ASSERT(std::abs(sum.sum() - expected.sum()) <= expected.sum() * 1e-12);
  for (const double part : {0.0, 0.25, 0.5, 0.99, 1.0}) RC_ASSERT(sum.percentile(part) == expected.percentile(part));
}

RC_GTEST_PROP(HistogramProperty, ComesBackAsItWasStored, ()) {
  const Histogram histogram = histogram_of(some_lengths());
  std::string bytes;
  histogram.encode(bytes);
  bytes += "rest";
  std::string_view in = bytes;
  RC_ASSERT(Histogram::decode(in) == histogram);
  RC_ASSERT(in == "rest");
}

}  // namespace
}  // namespace shardlog::metrics
