#include "tools/stream-serve/http/workers.h"

#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/threads.h"

namespace shardlog::serve::http {

Workers::Workers(std::size_t count, std::size_t most, std::chrono::milliseconds rest)
    : count_(count), most_(most), rest_(rest) {
  const std::lock_guard guard(mutex_);
  try {
    for (std::size_t i = 0; i < count; ++i) start();
  } catch (...) {
    closed_ = true;  // those that have started must end
    changed_.notify_all();
    throw;
  }
}

Workers::~Workers() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  changed_.notify_all();
}

/// If those that are idle are too few for what waits. If that fails, it waits for one of the others.
void Workers::start_more() {
  if (idle_ >= waiting_.size() || living_ >= most_) return;
  try {
    start();
  } catch (const Error&) {
  } catch (const std::bad_alloc&) {
  }
}

void Workers::start() {
  Worker& worker = workers_.emplace_back();
  try {
    worker.thread = start_thread([this, &worker] { run(worker); });
  } catch (...) {
    workers_.pop_back();
    throw;
  }
  ++living_;
  ++idle_;  // from now on, or one more would be started for the same work
}

/// They do not need the mutex any more.
void Workers::join_ended() {
  workers_.remove_if([](const Worker& worker) { return worker.has_ended; });
}

void Workers::run(Worker& self) {
  std::unique_lock guard(mutex_);
  while (wait(guard)) {
    --idle_;
    const std::function<void()> work = std::exchange(waiting_.front(), {});
    waiting_.pop_front();
    guard.unlock();
    work();
    guard.lock();
    ++idle_;
  }
  --idle_;
  --living_;
  if (!closed_) join_ended();
  self.has_ended = true;
}

/// Until there is something to do. False if the thread is not needed any more.
bool Workers::wait(std::unique_lock<std::mutex>& guard) {
  while (!changed_.wait_for(guard, rest_, [this] { return closed_ || !waiting_.empty(); })) {
    if (living_ > count_) return false;
  }
  return !waiting_.empty();
}

}  // namespace shardlog::serve::http
