#include "tools/stream-stats/hot_keys.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <unordered_map>

#include "shardlog/core/error.h"
#include "shardlog/scaling/key_sample.h"

namespace shardlog::cli {

namespace {

constexpr double busy = 70;  // percent: where stream-reshard auto begins to split
constexpr std::size_t most_shards = 8;
constexpr double hot = 0.5;

/// The busiest first.
std::vector<ShardId> busy_shards(const std::map<ShardId, Utilisation>& utilisations) {
  std::vector<ShardId> shards;
  for (const auto& [shard, utilisation] : utilisations) {
    if (utilisation.most().value_or(0) > busy) shards.push_back(shard);
  }
  std::ranges::stable_sort(shards, std::greater(), [&](ShardId shard) { return utilisations.at(shard).most(); });
  if (shards.size() > most_shards) shards.erase(shards.begin() + most_shards, shards.end());
  return shards;
}

/// Of each part of the minute as many: the input may be sorted by key.
std::vector<reshard::KeySample> sample_minute(Stream& stream, ShardId shard, Timestamp end) {
  constexpr int parts = 6;
  constexpr Duration part = Duration(std::chrono::minutes(1)) / parts;
  std::vector<reshard::KeySample> samples;
  for (int i = parts; i > 0; --i) {
    const auto some =
        scaling::sample_records(stream, shard, end - i * part, end - (i - 1) * part, reshard::wanted_samples / parts);
    samples.insert(samples.end(), some.begin(), some.end());
  }
  return samples;
}

/// Nothing of a shard whose records are damaged: a page shows figures, and --verify and readers tell of damage.
std::vector<reshard::KeySample> sample_if_readable(Stream& stream, ShardId shard, Timestamp now) {
  try {
    return sample_minute(stream, shard, now);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt) throw;
    return {};
  }
}

}  // namespace

std::optional<HotKey> hottest_key(const std::vector<reshard::KeySample>& samples, bool by_bytes) {
  double all = 0;
  std::unordered_map<std::string, double> loads;
  for (const reshard::KeySample& sample : samples) {
    const double load = by_bytes ? static_cast<double>(sample.bytes) : 1;
    all += load;
    if (sample.hash) loads[sample.key] += load;
  }
  const auto most = std::ranges::max_element(loads, {}, [](const auto& each) { return each.second; });
  if (most == loads.end() || most->second <= hot * all) return std::nullopt;
  return HotKey{most->first, most->second / all};
}

std::map<ShardId, HotKey> hot_keys(Stream& stream, const std::map<ShardId, Utilisation>& utilisations, Timestamp now) {
  std::map<ShardId, HotKey> keys;
  for (const ShardId shard : busy_shards(utilisations)) {
    const Utilisation& utilisation = utilisations.at(shard);
    const bool by_bytes = utilisation.bytes > utilisation.records;
    if (const auto key = hottest_key(sample_if_readable(stream, shard, now), by_bytes)) keys.emplace(shard, *key);
  }
  return keys;
}

}  // namespace shardlog::cli
