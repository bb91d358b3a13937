#include "support/memory_parts.h"

#include <algorithm>
#include <utility>

#include "shardlog/core/uuid.h"
#include "support/memory_reader.h"

namespace shardlog::test {

namespace {

/// What of a shard can be read.
ShardStatistics statistics_of(const MemoryLog& log, const Shard& shard, bool exact) {
  ShardStatistics result{shard};
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  for (const MemoryBatch& batch : log.batches()) {
    if (batch.shard != shard.id) continue;
    for (std::size_t i = 0; i < batch.numbers.size(); ++i) {
      if (batch.numbers[i] < log.shard(shard.id).readable) continue;
      ++records;
      bytes += batch.sizes[i];
      const ShardStatistics::End end{SequenceNumber(batch.numbers[i]), batch.arrivals[i]};
      if (!result.first) result.first = end;
      result.last = end;
    }
  }
  if (!exact) return result;
  result.records = records;
  result.bytes = bytes;
  result.trimmed_records = log.shard(shard.id).trimmed_records;
  result.trimmed_bytes = log.shard(shard.id).trimmed_bytes;
  result.intake = log.intake(shard.id, Timestamp::max());
  return result;
}

}  // namespace

capacity::Moment moment_of(const Clock& clock) {
  return {clock.boot(), clock.since_boot()};
}

void check_writes(Access access) {
  if (access == Access::read) throw Error(ErrorCode::internal, "the stream was opened for reading only");
}

capacity::Limits MemoryReadCapacity::top_up(std::span<Share> shares) {
  check_writes(access_);
  return store_.locked([&](MemoryLog& log) {
    log.top_up(shares, moment_of(clock_));
    return log.limits();
  });
}

void MemoryReadCapacity::give_back(std::span<const Share> shares) {
  check_writes(access_);
  store_.locked([&](MemoryLog& log) { log.give_back(shares, moment_of(clock_)); });
}

std::optional<ShardMap::Version> MemoryResharding::apply(const ReshardStep& step, ShardMap::Version version,
                                                         const ValueChanges& attributes) {
  check_writes(access_);
  return store_.locked([&](MemoryLog& log) -> std::optional<ShardMap::Version> {
    if (log.map().version() != version) return std::nullopt;
    for (const ShardId id : step.closes) static_cast<void>(log.shard(id));
    log.reshard(step, clock_.now(), attributes, moment_of(clock_));
    store_.announce();
    return log.map().version();
  });
}

MemoryLiveness::MemoryLiveness(MemoryStore& store) : store_(store) {
  store_.locked([this](MemoryLog& log) {
    self_ = log.describe().uuid + "/" + std::to_string(++log.processes_named);
    log.processes.insert(self_);
  });
}

MemoryLiveness::~MemoryLiveness() {
  try {
    store_.locked([this](MemoryLog& log) { log.processes.erase(self_); });
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the stream was removed
  }
}

Liveness::State MemoryLiveness::state_of(const std::string& process) {
  return store_.locked([&](MemoryLog& log) {
    if (!store_.traits().knows_processes || !process.starts_with(log.describe().uuid)) return State::unknown;
    return log.processes.contains(process) ? State::alive : State::gone;
  });
}

std::string MemoryLiveness::describe(const std::string& process) {
  return state_of(process) == State::unknown ? "on another host" : "";
}

std::vector<Producer> MemoryProducers::of(const std::string& name) {
  std::vector<Producer> producers = all();
  std::erase_if(producers, [&](const Producer& producer) { return producer.id.name != name; });
  return producers;
}

std::vector<Producer> MemoryProducers::all() {
  return store_.locked([](MemoryLog& log) {
    std::vector<Producer> result;
    for (const auto& [id, producer] : log.producers) result.push_back(producer);
    return result;
  });
}

bool MemoryProducers::forget(const std::string& name) {
  check_writes(access_);
  return store_.locked([&](MemoryLog& log) {
    return std::erase_if(log.producers, [&](const auto& each) { return each.first.name == name; }) > 0;
  });
}

void MemoryMaintenance::update(const SettingsChange& change) {
  check_writes(access_);
  if (!capabilities().repairs && (change.repair_clock || change.accept_loss)) {
    throw Error(ErrorCode::usage, "this engine repairs nothing");
  }
  store_.locked([&](MemoryLog& log) {
    log.update(change, clock_.now());
    store_.announce();
  });
}

StreamStatistics MemoryMaintenance::statistics(Detail detail) {
  return store_.locked([&](MemoryLog& log) {
    log.expire(clock_.now());
    StreamStatistics statistics{log.describe(), {}};
    for (const Shard& shard : log.map().shards()) {
      statistics.shards.push_back(statistics_of(log, shard, capabilities().exact_counts));
      if (detail == Detail::load) statistics.shards.back().first = statistics.shards.back().last = std::nullopt;
    }
    return statistics;
  });
}

std::vector<std::optional<std::vector<Intake>>> MemoryMaintenance::intake(std::span<const Timestamp> times) {
  return store_.locked([&](MemoryLog& log) {
    log.expire(clock_.now());
    const auto& shards = log.map().shards();
    std::vector<std::optional<std::vector<Intake>>> result(times.size());
    for (std::size_t i = 0; i < times.size() && capabilities().exact_counts; ++i) {
      const auto is_trimmed = [&](const Shard& shard) { return log.shard(shard.id).last_trimmed >= times[i]; };
      if (std::any_of(shards.begin(), shards.end(), is_trimmed)) continue;
      result[i].emplace();
      for (const Shard& shard : shards) result[i]->push_back(log.intake(shard.id, times[i]));
    }
    return result;
  });
}

Backlog MemoryMaintenance::backlog(std::span<const ShardStart> starts) {
  return store_.locked([&](MemoryLog& log) {
    log.expire(clock_.now());
    Backlog result;
    for (const ShardStart& start : starts) {
      const MemoryCursor cursor = cursor_at(log, start);
      std::uint64_t records = 0;
      bool has_begun = false;
      for (const MemoryBatch& batch : log.batches()) {
        for (std::size_t i = 0; batch.shard == start.shard && i < batch.numbers.size(); ++i) {
          const bool is_before = batch.numbers[i] < std::max(cursor.next, log.shard(start.shard).readable);
          has_begun = has_begun || (!is_before && batch.arrivals[i] >= cursor.not_before);
          if (!has_begun) continue;
          ++records;
          result.oldest = std::min(result.oldest.value_or(batch.arrivals[i]), batch.arrivals[i]);
        }
      }
      result.records.push_back(capabilities().exact_counts ? std::optional(records) : std::nullopt);
    }
    return result;
  });
}

VerifyReport MemoryMaintenance::verify(const std::function<bool(double)>& progress) {
  VerifyReport report;
  store_.locked([&](MemoryLog& log) {
    report.batches = log.batches().size();
    for (const MemoryBatch& batch : log.batches()) report.records += batch.numbers.size();
  });
  static_cast<void>(progress(1));  // all at once: there is nothing left to stop
  return report;
}

bool MemoryMetrics::add(std::span<const metrics::Period> minutes) {
  if (!store_.traits().capabilities.metrics) return true;
  if (store_.on_measures) store_.on_measures();
  store_.locked([&](MemoryLog& log) {
    for (const metrics::Period& each : minutes) log.measured[each.start] += each.measures;
  });
  return true;
}

std::vector<metrics::Period> MemoryMetrics::history(Timestamp from, Timestamp until) {
  if (!store_.traits().capabilities.metrics) return {};
  using std::chrono::floor;
  using std::chrono::hours;
  const Timestamp minutes_from = floor<hours>(clock_.now() - hours(24));
  const Timestamp kept_from = floor<hours>(clock_.now() - hours(31 * 24));
  std::map<Timestamp, metrics::Period> periods;
  const auto measures_at = [&](Timestamp time) -> metrics::Measures& {
    const bool by_minute = time >= minutes_from;
    const Timestamp start = by_minute ? Timestamp(floor<std::chrono::minutes>(time)) : Timestamp(floor<hours>(time));
    const Duration length = by_minute ? Duration(std::chrono::minutes(1)) : Duration(hours(1));
    return periods.try_emplace(start, metrics::Period{start, length, {}}).first->second.measures;
  };
  store_.locked([&](MemoryLog& log) {
    for (const auto& [start, measures] : log.measured) measures_at(start) += measures;
    for (const MemoryArrival& each : log.arrivals()) {
      measures_at(each.arrived_at).shards[each.shard].in += {1, each.size, each.begins_append ? 1U : 0U};
    }
  });
  std::vector<metrics::Period> result;
  for (auto& [start, period] : periods) {
    if (start >= kept_from && start < until && start + period.length > from) result.push_back(std::move(period));
  }
  return result;
}

}  // namespace shardlog::test
