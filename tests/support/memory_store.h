#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "support/memory_log.h"

namespace shardlog::test {

/// A stream in memory, for any number of threads. Every MemoryStream on it is a process of its own.
class MemoryStore {
 public:
  explicit MemoryStore(const CreateOptions& options, MemoryTraits traits = like_sqlite(), Timestamp now = {});
  explicit MemoryStore(std::uint32_t shards, MemoryTraits traits = like_sqlite());

  [[nodiscard]] const MemoryTraits& traits() const { return traits_; }

  /// `work` has the log to itself. Throws not_found once the stream was removed.
  template <typename Work>
  auto locked(const Work& work) {
    const std::lock_guard guard(mutex_);
    if (removed_) throw Error(ErrorCode::not_found, "stream: it was removed");
    return work(log_);
  }

  // What another process does.
  void put(std::uint32_t shard, const std::vector<std::string>& data, Timestamp now = {});
  void trim(std::uint32_t shard, std::uint64_t number);
  void reshard(const ReshardStep& step, Timestamp now = {});
  void remove();

  [[nodiscard]] ShardMap map();
  [[nodiscard]] MemoryShard shard(ShardId id);

  /// Tells those who wait of a commit. REQUIRES: called by the work of locked()
  void announce();
  [[nodiscard]] std::uint64_t announcements();
  /// Whether there was a commit since `seen`, which is brought up to date.
  bool wait(std::uint64_t& seen, Duration timeout, const std::stop_token& stop);

  /// Asked before a batch is stored, with nothing held: what becomes of it instead of being stored. Of a StoredInPart
  /// the records that hold a Place are stored. Of an atomic append it says what becomes of all.
  std::function<std::optional<Outcome>(const RoutedBatch&)> on_append;
  /// Called before measures are added.
  std::function<void()> on_measures;
  /// Sees every change of leases.
  std::function<void(const Consumer& before, const Consumer& after)> on_leases;

 private:
  MemoryTraits traits_;
  std::mutex mutex_;
  std::condition_variable_any announced_;
  MemoryLog log_;
  std::uint64_t announcements_ = 0;  ///< commits that wake those who follow
  bool removed_ = false;
};

}  // namespace shardlog::test
