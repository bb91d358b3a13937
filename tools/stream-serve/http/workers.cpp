#include "tools/stream-serve/http/workers.h"

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/threads.h"

namespace shardlog::serve::http {

Workers::Workers(std::size_t count, std::size_t most) {
  threads_.reserve(std::max(count, most));
  for (std::size_t i = 0; i < count; ++i) threads_.push_back(start_thread([this] { run(); }));
}

Workers::~Workers() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  changed_.notify_all();
}

/// If those that are idle are too few for what waits. If that fails, it waits for one of the others.
void Workers::start_more() {
  if (idle_ >= waiting_.size() || threads_.size() == threads_.capacity()) return;
  try {
    threads_.push_back(start_thread([this] { run(); }));
  } catch (const Error&) {
  } catch (const std::bad_alloc&) {
  }
}

void Workers::run() {
  std::unique_lock guard(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(guard, [this] { return closed_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    const std::function<void()> work = std::exchange(waiting_.front(), {});
    waiting_.pop_front();
    guard.unlock();
    work();
    guard.lock();
  }
}

}  // namespace shardlog::serve::http
