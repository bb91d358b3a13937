#include "tools/stream-stats/consumer_statistics.h"

#include <numeric>
#include <set>
#include <utility>

#include "shardlog/consumer/consumer.h"
#include "shardlog/consumer/frontier.h"
#include "shardlog/consumer/process_identity.h"
#include "shardlog/core/error.h"
#include "shardlog/core/printable.h"

namespace shardlog::cli {

namespace {

std::vector<Consumer> find_consumers(Stream& stream, const std::optional<std::string>& name) {
  if (!name) return stream.consumers();
  return {consumer::find_consumer(stream, *name)};
}

ConsumerStatistics statistics_of(Stream& stream, const ShardMap& map, Consumer consumer) {
  ConsumerStatistics statistics;
  consumer::check_leases(map, consumer);
  const consumer::Frontier frontier(map, consumer.leases);
  std::vector<ShardStart> starts;
  std::vector<std::size_t> places;  // of their shards in `parts`
  std::set<std::pair<std::string, std::string>> workers;
  for (const Shard& shard : map.shards()) {
    const Lease* lease = frontier.lease(shard.id);
    if (lease == nullptr && frontier.started(shard.id)) continue;  // done
    const Checkpoint from = lease != nullptr ? lease->checkpoint : Checkpoint(AtSequence{SequenceNumber(0)});
    if (auto start = consumer::start_at(shard.id, from)) {
      starts.push_back(std::move(*start));
      places.push_back(statistics.parts.size());
    }
    statistics.parts.push_back({shard.id, lease != nullptr ? std::optional(*lease) : std::nullopt});
    if (lease != nullptr && lease->owner && !consumer::is_gone(lease->owner->process)) {
      ++statistics.owned;
      workers.emplace(lease->owner->worker, lease->owner->process);
    }
  }
  const Backlog backlog = stream.backlog(starts);
  for (std::size_t i = 0; i < places.size(); ++i) statistics.parts[places[i]].backlog = backlog.records[i];
  statistics.workers = workers.size();
  statistics.backlog = std::accumulate(backlog.records.begin(), backlog.records.end(), std::uint64_t{0});
  statistics.oldest = backlog.oldest;
  statistics.consumer = std::move(consumer);
  return statistics;
}

}  // namespace

std::vector<ConsumerStatistics> consumer_statistics(Stream& stream, const std::optional<std::string>& name) {
  std::vector<Consumer> consumers = find_consumers(stream, name);
  if (consumers.empty()) return {};
  const ShardMap map = stream.describe().map;  // read after the leases: it has all their shards
  std::vector<ConsumerStatistics> statistics;
  statistics.reserve(consumers.size());
  for (Consumer& each : consumers) statistics.push_back(statistics_of(stream, map, std::move(each)));
  return statistics;
}

}  // namespace shardlog::cli
