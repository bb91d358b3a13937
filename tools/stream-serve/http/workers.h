#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
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

  /// Has it done by the next thread that is free. It must not throw.
  void give(std::function<void()> work);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool closed_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace shardlog::serve::http
