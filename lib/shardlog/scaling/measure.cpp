#include "shardlog/scaling/measure.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/scaling/key_sample.h"

namespace shardlog::scaling {

namespace {

using reshard::KeySample;
using reshard::Load;
using reshard::Measured;
using reshard::Situation;
using std::chrono::hours;
using std::chrono::minutes;

constexpr double seconds_a_minute = 60;

/// Each whole minute from one time to another, both included.
std::vector<Timestamp> each_minute(Timestamp from, Timestamp until) {
  std::vector<Timestamp> times;
  for (Timestamp time = from; time <= until; time += minutes(1)) times.push_back(time);
  return times;
}

/// What each shard took in during a row of minutes.
class Minutes {
 public:
  Minutes(Stream& stream, std::vector<Timestamp> times)
      : times_(std::move(times)), intakes_(stream.maintenance().intake(times_)) {}

  [[nodiscard]] std::size_t count() const { return times_.size() - 1; }
  [[nodiscard]] Timestamp start(std::size_t minute) const { return times_[minute]; }
  [[nodiscard]] Timestamp end(std::size_t minute) const { return times_[minute + 1]; }

  /// Nothing if part of it was trimmed. `shard` is an index in ShardMap::shards().
  [[nodiscard]] std::optional<Intake> taken(std::size_t minute, std::size_t shard) const {
    const auto& before = intakes_[minute];
    const auto& after = intakes_[minute + 1];
    if (!before || !after || shard >= before->size() || shard >= after->size()) return std::nullopt;
    return Intake{(*after)[shard].records - (*before)[shard].records, (*after)[shard].bytes - (*before)[shard].bytes};
  }

  [[nodiscard]] std::optional<Load> load(std::size_t minute, std::size_t shard) const {
    const std::optional<Intake> intake = taken(minute, shard);
    if (!intake) return std::nullopt;
    return Load{static_cast<double>(intake->records) / seconds_a_minute,
                static_cast<double>(intake->bytes) / seconds_a_minute};
  }

  /// The most of a minute, by records and by bytes.
  [[nodiscard]] Load peak(std::size_t shard) const {
    Load peak;
    for (std::size_t minute = 0; minute < count(); ++minute) {
      const Load load = this->load(minute, shard).value_or(Load{});
      peak = {std::max(peak.records, load.records), std::max(peak.bytes, load.bytes)};
    }
    return peak;
  }

 private:
  std::vector<Timestamp> times_;
  std::vector<std::optional<std::vector<Intake>>> intakes_;
};

Minutes latest_minutes(Stream& stream, Timestamp now) {
  const Timestamp end = std::chrono::floor<minutes>(now);
  return {stream, each_minute(end - minutes(reshard::measured_minutes), end)};
}

/// The minutes since a shard was open. What a child did before, its parents did.
std::vector<Load> loads_since(const Minutes& latest, std::size_t shard, Timestamp opened_at) {
  std::vector<Load> loads;
  for (std::size_t minute = 0; minute < latest.count(); ++minute) {
    if (latest.start(minute) < opened_at) continue;
    if (const auto load = latest.load(minute, shard)) loads.push_back(*load);
  }
  return loads;
}

bool has_quiet_neighbours(const Situation& situation, const reshard::ScalingOptions& options) {
  const auto& open = situation.map.open_shards();
  const auto peak_of = [&](ShardId id) { return situation.measured.at(id).peaks.front().load; };
  for (std::size_t i = 1; i < open.size(); ++i) {
    const Load one = peak_of(open[i - 1]);
    const Load other = peak_of(open[i]);
    const Load both{one.records + other.records, one.bytes + other.bytes};
    if (reshard::utilisation(both, options.capacity) <= options.target / 2) return true;
  }
  return false;
}

void add_peaks(Stream& stream, Situation& situation, Duration window) {
  const Timestamp end = std::chrono::floor<minutes>(situation.now);
  const auto& shards = situation.map.shards();
  for (Timestamp hour = std::chrono::floor<hours>(situation.now - window); hour < end; hour += hours(1)) {
    const Minutes measured(stream, each_minute(hour, std::min(end, hour + hours(1))));
    for (std::size_t shard = 0; shard < shards.size(); ++shard) {
      const Load peak = measured.peak(shard);
      if (peak.records > 0) situation.measured[shards[shard].id].peaks.push_back({hour, peak});
    }
  }
}

/// Each minute gives as many samples as its part of the load.
std::vector<KeySample> sample_keys(Stream& stream, const ShardMap& map, ShardId id, const Minutes& latest) {
  const auto& shards = map.shards();
  const auto shard = static_cast<std::size_t>(std::ranges::lower_bound(shards, id, {}, &Shard::id) - shards.begin());
  std::vector<std::uint64_t> records;
  std::uint64_t all = 0;
  for (std::size_t minute = 0; minute < latest.count(); ++minute) {
    records.push_back(latest.taken(minute, shard).value_or(Intake{}).records);
    all += records.back();
  }
  std::vector<KeySample> samples;
  for (std::size_t minute = 0; minute < latest.count(); ++minute) {
    if (records[minute] == 0) continue;
    const std::uint64_t part = (reshard::wanted_samples * records[minute] + all - 1) / all;
    const std::uint64_t wanted = std::min(records[minute], part);
    const auto some = sample_records(stream, id, latest.start(minute), latest.end(minute), wanted);
    samples.insert(samples.end(), some.begin(), some.end());
  }
  return samples;
}

}  // namespace

reshard::Situation measure(Stream& stream, const StreamDescription& described, const reshard::ScalingOptions& options,
                           Duration window, Timestamp now) {
  const Minutes latest = latest_minutes(stream, now);
  Situation situation{described.map, now, {}, {}};
  const auto& shards = described.map.shards();
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    if (!shards[shard].open()) continue;
    Measured& measured = situation.measured[shards[shard].id];
    measured.minutes = loads_since(latest, shard, shards[shard].opened_at);
    measured.peaks.push_back({std::chrono::floor<hours>(now), latest.peak(shard)});
  }
  if (options.merges && has_quiet_neighbours(situation, options)) add_peaks(stream, situation, window);
  situation.sample = [&stream, map = described.map, latest](ShardId id) {
    return sample_keys(stream, map, id, latest);
  };
  return situation;
}

}  // namespace shardlog::scaling
