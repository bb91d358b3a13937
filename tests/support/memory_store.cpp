#include "support/memory_store.h"

namespace shardlog::test {

namespace {

CreateOptions of(std::uint32_t shards) {
  CreateOptions options;
  options.shards = shards;
  return options;
}

}  // namespace

MemoryStore::MemoryStore(const CreateOptions& options, MemoryTraits traits, Timestamp now)
    : traits_(traits), log_(options, std::move(traits), now) {}

MemoryStore::MemoryStore(std::uint32_t shards, MemoryTraits traits) : MemoryStore(of(shards), std::move(traits)) {}

void MemoryStore::put(std::uint32_t shard, const std::vector<std::string>& data, Timestamp now) {
  std::vector<Record> records;
  for (const std::string& each : data) records.push_back({each, std::nullopt});
  const RoutedBatch batch{ShardId(shard), encode(records)};
  locked([&](MemoryLog& log) {
    log.begin_append();
    log.store(batch, now);
    announce();
  });
}

void MemoryStore::trim(std::uint32_t shard, std::uint64_t number) {
  locked([&](MemoryLog& log) { log.trim(ShardId(shard), number); });
}

void MemoryStore::reshard(const ReshardStep& step, Timestamp now) {
  locked([&](MemoryLog& log) {
    log.reshard(step, now);
    announce();
  });
}

void MemoryStore::remove() {
  locked([this](MemoryLog& /*log*/) { announce(); });
  const std::lock_guard guard(mutex_);
  removed_ = true;
}

ShardMap MemoryStore::map() {
  return locked([](MemoryLog& log) { return log.map(); });
}

MemoryShard MemoryStore::shard(ShardId id) {
  return locked([id](MemoryLog& log) { return log.shard(id); });
}

void MemoryStore::announce() {
  ++announcements_;
  announced_.notify_all();
}

std::uint64_t MemoryStore::announcements() {
  const std::lock_guard guard(mutex_);
  return announcements_;
}

bool MemoryStore::wait(std::uint64_t& seen, Duration timeout, const std::stop_token& stop) {
  std::unique_lock guard(mutex_);
  if (!announced_.wait_for(guard, stop, timeout, [&] { return announcements_ != seen; })) return false;
  seen = announcements_;
  return true;
}

}  // namespace shardlog::test
