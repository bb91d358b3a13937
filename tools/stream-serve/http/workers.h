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
/// what several of them store at a time is stored in one commit.
class Workers {
 public:
  /// Throws busy if no thread can be started.
  explicit Workers(std::size_t count);
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
    } catch (const std::bad_alloc&) {
      return false;
    }
    changed_.notify_one();
    return true;
  }

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool closed_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace shardlog::serve::http
