#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <vector>

#include "shardlog/producing/packer.h"
#include "shardlog/producing/writer.h"

namespace shardlog::producing {

/// Puts records into a stream, for any number of threads at once: what several of them put while a commit is under way
/// is stored together by the next one.
class Producer {
 public:
  /// Uses `stream`, which is open for writing and must outlive it, alone.
  explicit Producer(Stream& stream, Sync sync = Sync::full);

  /// Returns once all of them are stored, or never will be: what became of each, in their order. A record that breaks a
  /// rule of the stream is refused by itself. Throws as Stream::append(), to all whose records were in one commit.
  std::vector<RecordOutcome> put(std::span<const Record> records, const std::stop_token& stop = {});

 private:
  struct Call;

  Producer(Stream& stream, const StreamDescription& description, Sync sync);
  std::unique_ptr<Packer> borrow_packer();
  void give_back(std::unique_ptr<Packer> packer);
  Written store(Packed packed, const std::stop_token& stop);
  void lead(std::unique_lock<std::mutex>& guard, const std::stop_token& stop);

  StreamSettings settings_;
  Writer writer_;  ///< used by the caller that leads

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  ShardMap map_;
  std::vector<std::unique_ptr<Packer>> packers_;  ///< that nobody uses
  std::vector<Call*> waiting_;
  bool led_ = false;  ///< a caller is storing for others
};

}  // namespace shardlog::producing
