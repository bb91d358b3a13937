#include "tools/stream-stats/history.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "tools/stream-stats/traffic.h"

namespace shardlog::cli {

namespace {

using metrics::Counts;
using metrics::Histogram;
using metrics::Period;
using metrics::ShardCounts;

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// The steps of a history, without anything in them.
History steps_between(Timestamp from, Timestamp until, std::size_t most_steps) {
  constexpr Duration minute = std::chrono::minutes(1);
  until = std::chrono::floor<std::chrono::minutes>(until);  // metrics are kept by minutes of the clock
  const auto minutes = std::max<std::int64_t>((until - from + minute - Duration(1)) / minute, 1);
  const auto each = (minutes + static_cast<std::int64_t>(most_steps) - 1) / static_cast<std::int64_t>(most_steps);
  const auto steps = static_cast<std::size_t>((minutes + each - 1) / each);
  const Duration step = minute * each;
  return {until - step * static_cast<std::int64_t>(steps), step, steps};
}

/// Records a second in each step.
Course rates_of(const std::string& name, std::span<const Period> periods, const History& history,
                Counts ShardCounts::*member) {
  Course course{name, std::vector<double>(history.steps)};
  for (const Period& period : periods) {
    double records = 0;
    for (const auto& [shard, counts] : period.measures.shards) records += static_cast<double>((counts.*member).records);
    for (std::size_t i = 0; records > 0 && i < history.steps; ++i) {
      const Timestamp start = history.from + history.step * static_cast<std::int64_t>(i);
      const double part = part_between(period, start, start + history.step, history.until());
      course.values[i] += records * part / seconds_of(history.step);
    }
  }
  return course;
}

/// What a function makes of the lengths of time that were measured in each step.
template <typename Pick, typename Value>
Course lengths_of(const std::string& name, std::span<const Period> periods, const History& history, const Pick& pick,
                  const Value& value) {
  std::vector<Histogram> measured(history.steps);
  for (const Period& period : periods) {
    const Histogram histogram = pick(period);
    for (std::size_t i = 0; !histogram.empty() && i < history.steps; ++i) {
      const Timestamp start = history.from + history.step * static_cast<std::int64_t>(i);
      if (part_between(period, start, start + history.step, history.until()) > 0) measured[i].add(histogram);
    }
  }
  Course course{name, {}};
  for (const Histogram& each : measured) {
    course.values.push_back(each.empty() ? std::numeric_limits<double>::quiet_NaN() : seconds_of(value(each)));
  }
  return course;
}

Picture ages_of(std::span<const Period> periods, const History& history,
                const std::map<std::string, std::string>& consumers) {
  Picture picture{"arrival to read, of each consumer", Unit::duration};
  for (const auto& [uuid, name] : consumers) {
    const auto age = [&uuid = uuid](const Period& period) {
      const auto reader = period.measures.readers.find(uuid);
      return reader == period.measures.readers.end() ? Histogram{} : reader->second.age;
    };
    picture.courses.push_back(
        lengths_of("age at read of " + name, periods, history, age, [](const Histogram& each) { return each.max(); }));
  }
  return picture;
}

Picture propagation_of(std::span<const Period> periods, const History& history) {
  constexpr double p99 = 0.99;
  const auto of_all = [](const Period& period) {
    Histogram sum;
    for (const auto& [uuid, reader] : period.measures.readers) sum.add(reader.propagation);
    return sum;
  };
  return {"arrival to read, at the tail",
          Unit::duration,
          {lengths_of("propagation delay, p99", periods, history, of_all,
                      [](const Histogram& each) { return each.percentile(p99); })}};
}

}  // namespace

double Course::peak() const {
  double most = 0;
  for (const double value : values) most = std::isnan(value) ? most : std::max(most, value);
  return most;
}

double Picture::peak() const {
  double most = 0;
  for (const Course& course : courses) most = std::max(most, course.peak());
  return most;
}

Timestamp start_of_history(Timestamp from, Timestamp until, std::size_t most_steps) {
  return steps_between(from, until, most_steps).from;
}

History history_of(std::span<const Period> periods, Timestamp from, Timestamp until, std::size_t most_steps,
                   const std::map<std::string, std::string>& consumers) {
  History history = steps_between(from, until, most_steps);
  const auto add = [&](Picture picture) {
    std::erase_if(picture.courses, [](const Course& course) { return course.peak() == 0; });
    if (!picture.courses.empty()) history.pictures.push_back(std::move(picture));
  };
  add({"in and out",
       Unit::records_a_second,
       {rates_of("in", periods, history, &ShardCounts::in), rates_of("out", periods, history, &ShardCounts::out)}});
  add({"held back",
       Unit::records_a_second,
       {rates_of("throttled", periods, history, &ShardCounts::throttled),
        rates_of("dropped", periods, history, &ShardCounts::dropped)}});
  add(ages_of(periods, history, consumers));
  add(propagation_of(periods, history));
  return history;
}

}  // namespace shardlog::cli
