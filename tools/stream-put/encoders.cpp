#include "tools/stream-put/encoders.h"

#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "shardlog/core/threads.h"

namespace shardlog::cli {

Encoders::Encoders(std::size_t most, ShardMap map, std::function<std::unique_ptr<Batcher>()> make)
    : most_(most), make_(std::move(make)), map_(std::move(map)) {}

void Encoders::use(const ShardMap& map) {
  const std::lock_guard guard(mutex_);
  map_ = map;
}

bool Encoders::run(BoundedQueue<Chunk>& chunks, const Batcher::HandOver& hand_over) {
  std::vector<std::jthread> others;
  std::size_t most_others = most_ - 1;
  work(*first_, chunks, hand_over, [&] {
    if (others.size() == most_others || !chunks.holds_any()) return;
    try {
      others.push_back(start_thread([&, batcher = make_()] { work(*batcher, chunks, hand_over, [] {}); }));
    } catch (const Error&) {
      most_others = others.size();  // fewer threads do the same work in more time
    }
  });
  others.clear();
  if (failure_) std::rethrow_exception(failure_);
  return !ended_;
}

void Encoders::work(Batcher& batcher, BoundedQueue<Chunk>& chunks, const Batcher::HandOver& hand_over,
                    const std::function<void()>& at_each_chunk) {
  while (std::optional<Chunk> chunk = chunks.pop()) {
    const std::uint64_t number = chunk->number;
    bool goes_on = false;
    try {
      at_each_chunk();
      use_map(batcher);
      goes_on = batcher.encode(
          std::move(*chunk), [&](Encoded&& encoded) { return wait_for_turn(number) && hand_over(std::move(encoded)); });
    } catch (...) {
      const std::lock_guard guard(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    if (!end_turn(number, goes_on)) chunks.close();
  }
}

void Encoders::use_map(Batcher& batcher) {
  const std::lock_guard guard(mutex_);
  batcher.use(map_);
}

/// Returns false if an earlier chunk was the last one.
bool Encoders::wait_for_turn(std::uint64_t chunk) {
  std::unique_lock guard(mutex_);
  turned_.wait(guard, [&] { return turn_ == chunk; });
  return !ended_;
}

/// Returns whether there is another turn.
bool Encoders::end_turn(std::uint64_t chunk, bool goes_on) {
  std::unique_lock guard(mutex_);
  turned_.wait(guard, [&] { return turn_ == chunk; });
  ended_ = ended_ || !goes_on;
  ++turn_;
  turned_.notify_all();
  return !ended_;
}

}  // namespace shardlog::cli
