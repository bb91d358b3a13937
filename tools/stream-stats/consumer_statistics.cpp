#include "tools/stream-stats/consumer_statistics.h"

#include <chrono>
#include <numeric>
#include <set>
#include <utility>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/frontier.h"
#include "shardlog/core/error.h"
#include "shardlog/core/printable.h"

namespace shardlog::cli {

namespace {

std::optional<ConsumerStatistics::Worker> worker_of(const std::optional<LeaseOwner>& owner, Liveness& liveness) {
  if (!owner) return std::nullopt;
  const bool gone = liveness.state_of(owner->process) == Liveness::State::gone;
  return ConsumerStatistics::Worker{owner->worker, liveness.describe(owner->process), gone};
}

ConsumerStatistics statistics_of(Stream& stream, const ShardMap& map, Consumer consumer) {
  ConsumerStatistics statistics;
  consuming::check_leases(map, consumer);
  const consuming::Frontier frontier(map, consumer.leases);
  std::vector<ShardStart> starts;
  std::vector<std::size_t> with_start;  // indexes in `parts` of the shards that have a start
  std::set<std::pair<std::string, std::string>> workers;
  for (const Shard& shard : map.shards()) {
    const Lease* lease = frontier.lease(shard.id);
    if (lease == nullptr && frontier.started(shard.id)) continue;  // done
    const Checkpoint from = lease != nullptr ? lease->checkpoint : Checkpoint(Beginning{});
    if (auto start = consuming::start_at(shard.id, from)) {
      starts.push_back(std::move(*start));
      with_start.push_back(statistics.parts.size());
    }
    statistics.parts.push_back({shard.id, lease != nullptr ? std::optional(*lease) : std::nullopt});
    if (lease == nullptr) continue;
    auto& part = statistics.parts.back();
    part.owner = worker_of(lease->owner, stream.liveness());
    part.claimant = worker_of(lease->claimant, stream.liveness());
    if (!part.owner || part.owner->gone) continue;
    ++statistics.owned;
    workers.emplace(lease->owner->worker, lease->owner->process);
  }
  const Backlog backlog = stream.maintenance().backlog(starts);
  for (std::size_t i = 0; i < with_start.size(); ++i) statistics.parts[with_start[i]].backlog = backlog.records[i];
  statistics.workers = workers.size();
  statistics.backlog = backlog.total();
  statistics.oldest = backlog.oldest;
  statistics.consumer = std::move(consumer);
  return statistics;
}

}  // namespace

std::vector<ConsumerStatistics> consumer_statistics(Stream& stream, const std::optional<std::string>& name) {
  std::vector<Consumer> consumers = name ? std::vector{consuming::find_consumer(stream, *name)} : stream.leases().all();
  if (consumers.empty()) return {};
  const ShardMap map = stream.describe().map;  // read after the leases, so that it has all their shards
  std::vector<ConsumerStatistics> statistics;
  statistics.reserve(consumers.size());
  for (Consumer& each : consumers) statistics.push_back(statistics_of(stream, map, std::move(each)));
  return statistics;
}

void Trends::look(const std::string& stream, std::vector<ConsumerStatistics>& consumers, Duration now,
                  double incoming) {
  constexpr double noise = 2;  // seconds: as long as a checkpoint may take while a consumer keeps up
  constexpr Duration remembered = std::chrono::minutes(1);
  constexpr Duration least_apart = std::chrono::milliseconds(100);
  for (ConsumerStatistics& each : consumers) {
    if (!each.backlog) continue;
    std::vector<BacklogAt>& looks = looks_[{stream, each.consumer.uuid}];
    const bool is_close = looks.size() > 1 && looks.back().at - looks[looks.size() - 2].at < least_apart;
    if (is_close) looks.pop_back();
    std::erase_if(looks, [&](const BacklogAt& look) { return look.at + remembered < now; });
    looks.push_back({static_cast<double>(*each.backlog), now});
    each.trend = trend_of(looks, noise * incoming);
  }
}

}  // namespace shardlog::cli
