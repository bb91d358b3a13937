#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "support/memory_store.h"

namespace shardlog::test {

/// An engine that keeps streams for as long as it lives, by the clock of its callers or, if its capabilities say so, by
/// the system's. Their names may have slashes.
class MemoryEngine final : public Engine {
 public:
  explicit MemoryEngine(MemoryTraits traits = like_sqlite()) : traits_(std::move(traits)) {}

  [[nodiscard]] const Capabilities& capabilities() const override { return traits_.capabilities; }
  void create(const std::string& address, const CreateOptions& options, const Clock& clock) override;
  std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock) override;
  std::vector<std::string> list(const std::string& address) override;
  void remove(const std::string& address, const OpenOptions& options, const Clock& clock) override;

  /// Throws not_found.
  std::shared_ptr<MemoryStore> store(const std::string& address);

 private:
  [[nodiscard]] const Clock& clock_for(const Clock& caller) const {
    return traits_.capabilities.clock_of_caller ? caller : own_clock_;
  }

  MemoryTraits traits_;
  SystemClock own_clock_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<MemoryStore>> stores_;
};

class MemoryLeases final : public LeaseStore {
 public:
  MemoryLeases(MemoryStore& store, Access access) : store_(store), access_(access) {}

  /// Called before leases or a consumer change, for others to be faster.
  std::function<void()> before_change;

  std::optional<Consumer> find(const std::string& name) override;
  std::vector<Consumer> all() override;
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override;
  bool change(const std::string& uuid, std::span<const LeaseChange> changes) override;

 private:
  bool make(Consumer& consumer, std::span<const LeaseChange> changes);

  MemoryStore& store_;
  Access access_;
};

/// A process that has a stream open.
class MemoryStream final : public Stream, private WriteCapacity {
 public:
  MemoryStream(std::shared_ptr<MemoryStore> store, Access access, const Clock& clock);
  /// `store` must outlive it. The wall clock stands at the epoch.
  explicit MemoryStream(MemoryStore& store);
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;
  ~MemoryStream() override;

  [[nodiscard]] const Capabilities& capabilities() const override { return store_->traits().capabilities; }
  StreamDescription describe() override;
  std::vector<Outcome> append(const AppendRequest& request) override;
  void make_durable() override;
  std::unique_ptr<Reader> read(const ReadRequest& request) override;
  std::vector<LocatedStart> locate(const Position& position, const std::vector<ShardId>& shards) override;
  std::unique_ptr<Notice> notice() override;

  WriteCapacity& write_capacity() override { return *this; }
  ReadCapacity& read_capacity() override;
  Resharding& resharding() override;
  MemoryLeases& leases() override { return leases_; }
  Liveness& liveness() override;
  ProducerStore& producers() override;
  Maintenance& maintenance() override;
  Metrics& metrics() override;

 private:
  class Parts;

  capacity::Slice reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid) override;
  Appended append(const AppendRequest& reserved, std::span<const capacity::Step> next,
                  const capacity::Seconds& paid) override;

  Appended append_all(const AppendRequest& request, bool reserved, std::span<const capacity::Step> next,
                      const capacity::Seconds& paid);
  std::vector<Outcome> append_each(const AppendRequest& request);

  std::shared_ptr<MemoryStore> store_;
  Access access_;
  const Clock& clock_;
  MemoryLeases leases_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace shardlog::test
