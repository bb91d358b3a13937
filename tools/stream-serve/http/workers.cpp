#include "tools/stream-serve/http/workers.h"

#include <utility>

#include "shardlog/core/threads.h"

namespace shardlog::serve::http {

Workers::Workers(std::size_t count) {
  threads_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) threads_.push_back(start_thread([this] { run(); }));
}

Workers::~Workers() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void Workers::run() {
  std::unique_lock guard(mutex_);
  while (true) {
    changed_.wait(guard, [this] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::function<void()> work = std::exchange(waiting_.front(), {});
    waiting_.pop_front();
    guard.unlock();
    work();
    guard.lock();
  }
}

}  // namespace shardlog::serve::http
