#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "tools/common/bounded_queue.h"
#include "tools/stream-put/batcher.h"

namespace shardlog::cli {

/// Encodes chunks in several threads at once, and hands over what comes of them in the order of the chunks. Encoding is
/// what takes longest where records are compressed.
class Encoders {
 public:
  /// `make` makes the batcher of each thread. At most `most` threads: more than one only where a batcher needs to know
  /// nothing of the chunks before its own.
  Encoders(std::size_t most, std::function<std::unique_ptr<Batcher>()> make);

  /// The shard map for the chunks from the next ones on. May be called from any thread.
  void use(const ShardMap& map);

  /// Until the chunks end, one of them cannot be encoded, or `hand_over` wants no more; then `chunks` is closed.
  /// Returns whether they ended. `hand_over` is called by one thread at a time. Throws what a batcher throws.
  bool run(BoundedQueue<Chunk>& chunks, const Batcher::HandOver& hand_over);

  /// After all chunks of the input: as Batcher::finish().
  void finish(const Batcher::HandOver& hand_over) const { batchers_.front()->finish(hand_over); }

 private:
  Batcher& add_batcher();
  void work(Batcher& batcher, BoundedQueue<Chunk>& chunks, const Batcher::HandOver& hand_over,
            const std::function<void()>& at_second_chunk);
  bool wait_for_turn(std::uint64_t chunk);
  bool end_turn(std::uint64_t chunk, bool goes_on);

  std::size_t most_;
  std::function<std::unique_ptr<Batcher>()> make_;
  std::mutex mutex_;
  std::condition_variable turned_;
  // Guarded by the mutex.
  std::vector<std::unique_ptr<Batcher>> batchers_;
  std::uint64_t turn_ = 0;  ///< the number of the chunk whose results are handed over
  bool ended_ = false;      ///< none behind it are
  std::exception_ptr failure_;
};

}  // namespace shardlog::cli
