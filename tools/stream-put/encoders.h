#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>

#include "tools/common/bounded_queue.h"
#include "tools/stream-put/batcher.h"

namespace shardlog::cli {

/// Encodes chunks in several threads at once, and hands over the results in the order of the chunks. A thread is added
/// whenever a chunk has to wait: little input, and input that comes slowly, is encoded by one thread.
class Encoders {
 public:
  /// `make` makes a batcher for each thread. There are at most `most` threads. Use several only if a batcher does not
  /// need to know the earlier chunks.
  Encoders(std::size_t most, ShardMap map, std::function<std::unique_ptr<Batcher>()> make);

  /// The shard map for the next chunks. May be called from any thread.
  void use(const ShardMap& map);

  /// Encodes until the chunks end, one of them cannot be encoded, or `hand_over` returns false; closes `chunks` in the
  /// last two cases. Returns whether the chunks ended. One thread at a time calls `hand_over`. Throws what a batcher
  /// throws.
  bool run(BoundedQueue<Chunk>& chunks, const Batcher::HandOver& hand_over);

  /// All chunks of the input were encoded: as Batcher::finish().
  void finish() { first_->finish(); }

 private:
  void work(Batcher& batcher, BoundedQueue<Chunk>& chunks, const Batcher::HandOver& hand_over,
            const std::function<void()>& at_each_chunk);
  void use_map(Batcher& batcher);
  bool wait_for_turn(std::uint64_t chunk);
  bool end_turn(std::uint64_t chunk, bool goes_on);

  std::size_t most_;
  std::function<std::unique_ptr<Batcher>()> make_;
  std::unique_ptr<Batcher> first_ = make_();
  std::mutex mutex_;
  std::condition_variable turned_;
  // Guarded by the mutex.
  ShardMap map_;
  std::uint64_t turn_ = 0;  ///< the number of the chunk whose results are handed over
  bool ended_ = false;      ///< later chunks are not handed over
  std::exception_ptr failure_;
};

}  // namespace shardlog::cli
