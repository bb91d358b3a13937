#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace shardlog::serve::http {

/// Threads that answer requests. Answering may mean to wait for a disk, so there are more of them than processors, and
/// what several of them store at a time is stored in one commit. A stream that another process holds up also holds up
/// those that wait for it, so more are started if all are busy, and end when there is little to do.
class Workers {
 public:
  /// Starts `count` threads, and later up to `most`; those end after a `rest`. Throws busy if no thread can be started.
  Workers(std::size_t count, std::size_t most, std::chrono::milliseconds rest = std::chrono::minutes(1));
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
  /// A thread. If it has ended, another one has to join it.
  struct Worker {
    std::jthread thread{};
    bool has_ended = false;
  };

  void start_more();
  void start();
  void join_ended();
  void run(Worker& self);
  bool wait(std::unique_lock<std::mutex>& guard);

  const std::size_t count_;
  const std::size_t most_;
  const std::chrono::milliseconds rest_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_ = 0;  ///< threads that wait for something to do, or are about to
  std::size_t living_ = 0;
  bool closed_ = false;
  std::list<Worker> workers_;
};

}  // namespace shardlog::serve::http
