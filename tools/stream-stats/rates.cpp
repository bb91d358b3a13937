#include "tools/stream-stats/rates.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>

namespace shardlog::cli {

namespace {

constexpr std::size_t minutes = 15;

using Intakes = std::optional<std::vector<Intake>>;

Rate rate_between(const Intake& before, const Intake& after, std::chrono::seconds time) {
  const auto a_second = [time](std::uint64_t earlier, std::uint64_t later) {
    return static_cast<double>(later - earlier) / static_cast<double>(time.count());
  };
  return {a_second(before.records, after.records), a_second(before.bytes, after.bytes),
          a_second(before.appends, after.appends)};
}

Intake sum_of(const std::vector<Intake>& shards) {
  Intake sum;
  for (const Intake& shard : shards) {
    sum.records += shard.records;
    sum.bytes += shard.bytes;
    sum.appends += shard.appends;
  }
  return sum;
}

std::optional<Rate> stream_rate(const Intakes& before, const Intakes& after, std::chrono::seconds time) {
  if (!before || !after) return std::nullopt;
  return rate_between(sum_of(*before), sum_of(*after), time);
}

std::optional<Rate> shard_rate(std::size_t place, const Intakes& before, const Intakes& after,
                               std::chrono::seconds time) {
  if (!before || !after) return std::nullopt;
  return rate_between(before->at(place), after->at(place), time);
}

std::optional<Rate> busiest_of(std::span<const Intakes> each_minute) {
  std::optional<Rate> busiest;
  for (std::size_t i = 1; i < each_minute.size(); ++i) {
    const auto rate = stream_rate(each_minute[i - 1], each_minute[i], std::chrono::minutes(1));
    if (!rate) continue;
    const Rate most = busiest.value_or(Rate{});
    busiest = {std::max(most.records, rate->records), std::max(most.bytes, rate->bytes),
               std::max(most.calls, rate->calls)};
  }
  return busiest;
}

}  // namespace

Arrivals arrivals_before(Timestamp now, Maintenance& maintenance) {
  std::vector<Timestamp> times;
  for (std::size_t ago = minutes + 1; ago-- > 0;) times.push_back(now - std::chrono::minutes(ago));
  const std::vector<Intakes> intakes = maintenance.intake(times);
  const Intakes& first = intakes.front();
  const Intakes& a_minute_ago = intakes[minutes - 1];
  const Intakes& last = intakes.back();
  constexpr std::chrono::minutes long_time(minutes);
  constexpr std::chrono::minutes short_time(1);
  Arrivals arrivals;
  arrivals.stream = {stream_rate(a_minute_ago, last, short_time), stream_rate(first, last, long_time)};
  for (std::size_t i = 0; last && i < last->size(); ++i) {
    arrivals.shards.push_back({shard_rate(i, a_minute_ago, last, short_time), shard_rate(i, first, last, long_time)});
  }
  arrivals.busiest_minute = busiest_of(intakes);
  return arrivals;
}

Utilisation utilisation_of(const std::optional<Rate>& in, const capacity::Limits& limits,
                           const std::optional<Rate>& read) {
  const auto percent = [](const std::optional<Rate>& rate, double Rate::*used,
                          const std::optional<std::uint64_t>& limit) {
    return rate && limit ? std::optional(100 * (*rate).*used / static_cast<double>(*limit)) : std::nullopt;
  };
  return {percent(in, &Rate::records, limits.write_records), percent(in, &Rate::bytes, limits.write_bytes),
          percent(read, &Rate::bytes, limits.read_bytes), percent(read, &Rate::calls, limits.read_calls)};
}

}  // namespace shardlog::cli
