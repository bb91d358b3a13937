#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace shardlog::serve::http {

/// Threads that answer requests. Answering may mean to wait for a disk, so there are more of them than processors, and
/// what several of them store at a time is stored in one commit. A stream that another process holds up also holds up
/// those that wait for it, so more are started if all are busy.
class Workers {
 public:
  /// Starts some threads, and later up to `most`. Throws busy if no thread can be started.
  Workers(std::size_t count, std::size_t most);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Ends when everything that was given is done.
  ~Workers();

  /// Has it done by the next thread that is free. It must not throw. False, and it is not done, if memory is short.
  template <typename Work>
  [[nodiscard]] bool give(Work work) {
    try {
      std::function<void()> given(std::move(work));
      const std::lock_guard guard(mutex_);
      waiting_.push_back(std::move(given));
      start_more();
    } catch (const std::bad_alloc&) {
      return false;
    }
    changed_.notify_one();
    return true;
  }

 private:
  void start_more();
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_ = 0;  ///< threads that wait for something to do
  bool closed_ = false;
  std::vector<std::jthread> threads_;  ///< has room for all
};

}  // namespace shardlog::serve::http
