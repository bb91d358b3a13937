#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/memory_store.h"

/// The parts of a stream in memory beside its log and its leases.
namespace shardlog::test {

/// Throws internal where the stream was opened for reading.
void check_writes(Access access);

capacity::Moment moment_of(const Clock& clock);

class MemoryNotice final : public Notice {
 public:
  explicit MemoryNotice(std::shared_ptr<MemoryStore> store)
      : store_(std::move(store)), seen_(store_->announcements()) {}

  bool wait(Duration timeout, const std::stop_token& stop) override { return store_->wait(seen_, timeout, stop); }

 private:
  std::shared_ptr<MemoryStore> store_;
  std::uint64_t seen_;
};

class MemoryReadCapacity final : public ReadCapacity {
 public:
  MemoryReadCapacity(MemoryStore& store, Access access, const Clock& clock)
      : store_(store), access_(access), clock_(clock) {}

  capacity::Limits top_up(std::span<Share> shares) override;
  void give_back(std::span<const Share> shares) override;

 private:
  MemoryStore& store_;
  Access access_;
  const Clock& clock_;
};

class MemoryResharding final : public Resharding {
 public:
  MemoryResharding(MemoryStore& store, Access access, const Clock& clock)
      : store_(store), access_(access), clock_(clock) {}

  std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version,
                                         const ValueChanges& attributes) override;

 private:
  MemoryStore& store_;
  Access access_;
  const Clock& clock_;
};

/// A process is alive while its stream is open. Those of another store are on other hosts.
class MemoryLiveness final : public Liveness {
 public:
  explicit MemoryLiveness(MemoryStore& store);
  MemoryLiveness(const MemoryLiveness&) = delete;
  MemoryLiveness& operator=(const MemoryLiveness&) = delete;
  ~MemoryLiveness() override;

  std::string self() override { return self_; }
  State state_of(const std::string& process) override;
  std::string describe(const std::string& process) override;

 private:
  MemoryStore& store_;
  std::string self_;
};

class MemoryProducers final : public ProducerStore {
 public:
  MemoryProducers(MemoryStore& store, Access access) : store_(store), access_(access) {}

  std::vector<Producer> of(const std::string& name) override;
  std::vector<Producer> all() override;
  bool forget(const std::string& name) override;

 private:
  MemoryStore& store_;
  Access access_;
};

class MemoryMaintenance final : public Maintenance {
 public:
  MemoryMaintenance(MemoryStore& store, Access access, const Clock& clock)
      : store_(store), access_(access), clock_(clock) {}

  void update(const SettingsChange& change) override;
  StreamStatistics statistics(Detail detail) override;
  std::vector<std::optional<std::vector<Intake>>> intake(std::span<const Timestamp> times) override;
  Backlog backlog(std::span<const ShardStart> starts) override;
  VerifyReport verify(const std::function<bool(double)>& progress) override;

 private:
  [[nodiscard]] const Capabilities& capabilities() const { return store_.traits().capabilities; }

  MemoryStore& store_;
  Access access_;
  const Clock& clock_;
};

class MemoryMetrics final : public Metrics {
 public:
  MemoryMetrics(MemoryStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  bool add(std::span<const metrics::Period> minutes) override;
  std::vector<metrics::Period> history(Timestamp from, Timestamp until) override;

 private:
  MemoryStore& store_;
  const Clock& clock_;
};

}  // namespace shardlog::test
