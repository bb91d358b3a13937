#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "shardlog/capacity/writing.h"

namespace shardlog::capacity {
namespace {

constexpr std::size_t shards = 3;

struct Limit {
  std::optional<std::uint64_t> records;
  std::optional<std::uint64_t> bytes;
};

/// What was reserved in one shard, and when it may be stored.
struct Charge {
  Duration due;
  std::uint64_t records;
  std::uint64_t bytes;
};

/// A writer that reserves whatever comes next of a random input, and stores it when it may.
struct Writer {
  std::vector<Need> input;
  std::size_t next = 0;
  Seconds paid{};
  Duration wakes_at{0};

  [[nodiscard]] std::span<const Need> rest() const { return std::span(input).subspan(next); }
};

rc::Gen<Writer> writers(const Limit& limit) {
  const auto need = rc::gen::apply(
      [](std::size_t shard, std::uint64_t bytes) {
        return Need{shard, bytes};
      },
      rc::gen::inRange<std::size_t>(0, shards),
      rc::gen::inRange<std::uint64_t>(0, 2 * limit.bytes.value_or(1'000'000)));
  return rc::gen::apply([](std::vector<Need> input,
                           int wakes_at) { return Writer{.input = std::move(input), .wakes_at = Duration(wakes_at)}; },
                        rc::gen::container<std::vector<Need>>(need), rc::gen::inRange(0, 3'000'000));
}

/// Of records, of bytes, or of both.
Limit random_limit() {
  Limit limit{*rc::gen::inRange<std::uint64_t>(1, 2000), *rc::gen::inRange<std::uint64_t>(1, 2'000'000)};
  const int one_only = *rc::gen::inRange(0, 4);
  if (one_only == 1) limit.records.reset();
  if (one_only == 2) limit.bytes.reset();
  return limit;
}

/// Lets all writers store their input, in the order in which they may, and returns what was charged to each shard.
std::vector<std::vector<Charge>> run(std::vector<Writer> all, const Limit& limit) {
  const Price price = price_of_writing({.write_records = limit.records, .write_bytes = limit.bytes});
  std::vector<Bucket> buckets(shards);
  std::vector<std::vector<Charge>> charges(shards);
  while (true) {
    const auto writer = std::min_element(all.begin(), all.end(), [](const Writer& one, const Writer& other) {
      return std::pair(one.rest().empty(), one.wakes_at) < std::pair(other.rest().empty(), other.wakes_at);
    });
    if (writer == all.end() || writer->rest().empty()) return charges;
    const Duration now = writer->wakes_at;
    const Slice slice = reserve(buckets, price, writer->rest(), writer->paid, {"boot", now});
    RC_ASSERT(slice.steps > 0 || slice.wait > Duration(0) || slice.instalment != writer->paid);
    writer->wakes_at += slice.wait;
    for (const Need& need : writer->rest().first(slice.steps)) {
      charges[need.shard].push_back({writer->wakes_at, 1, need.bytes});
    }
    writer->paid = slice.instalment;
    writer->next += slice.steps;
  }
}

// Whatever the writers do, and however large their records are.
RC_GTEST_PROP(Writing, NoShardEverStoresMoreThanABurstAndWhatItHasEarned, ()) {
  const Limit limit = random_limit();
  auto charges = run(*rc::gen::container<std::vector<Writer>>(writers(limit)), limit);
  for (std::vector<Charge>& of_shard : charges) {
    std::sort(of_shard.begin(), of_shard.end(), [](const Charge& a, const Charge& b) { return a.due < b.due; });
    double records = 0;
    double bytes = 0;
    for (const Charge& charge : of_shard) {
      records += static_cast<double>(charge.records);
      bytes += static_cast<double>(charge.bytes);
      const double most = burst + std::chrono::duration<double>(charge.due).count() + 1e-5;
      if (limit.records) RC_ASSERT(records <= most * static_cast<double>(*limit.records));
      if (limit.bytes) RC_ASSERT(bytes <= most * static_cast<double>(*limit.bytes));
    }
  }
}

struct Bounds {
  double least;
  double most;
};

/// How long shards without a queue take for one writer's input, all of one shard. No less than what it takes to earn
/// all records, or all bytes. No more than if each record took what is dearer of it, and nothing of the other limit was
/// earned for the records after it: a full bucket earns nothing, so a large record after many small ones has to wait.
Bounds time_of(const std::vector<Need>& input, const Limit& limit) {
  const Price price = price_of_writing({.write_records = limit.records, .write_bytes = limit.bytes});
  Seconds sum;
  double of_each = 0;
  for (const Need& need : input) {
    const Seconds one = price.of(1, need.bytes);
    sum = {sum.count + one.count, sum.bytes + one.bytes};
    of_each += std::max(one.count, one.bytes);
  }
  return {std::max({0.0, sum.count - burst, sum.bytes - burst}), std::max(0.0, of_each - burst)};
}

// A lone writer wastes nothing.
RC_GTEST_PROP(Writing, ALoneWriterIsDoneWhenItsShardHasEarnedItsRecords, ()) {
  const Limit limit = random_limit();
  Writer writer = *writers(limit);
  for (Need& need : writer.input) need.shard = 0;
  const Duration start = writer.wakes_at;
  const auto charges = run({writer}, limit);
  const double took = writer.input.empty() ? 0 : std::chrono::duration<double>(charges[0].back().due - start).count();
  const auto [least, most] = time_of(writer.input, limit);
  RC_ASSERT(took >= least - 1e-5);
  RC_ASSERT(took <= most + 1e-5);
}

}  // namespace
}  // namespace shardlog::capacity
