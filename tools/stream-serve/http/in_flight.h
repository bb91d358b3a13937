#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace shardlog::serve::http {

/// The requests that are being answered. For any number of threads.
class InFlight {
 public:
  /// Counts one more, unless the server closes: then returns false.
  bool begin() {
    const std::lock_guard guard(mutex_);
    if (closing_) return false;
    ++under_way_;
    ++unanswered_;
    return true;
  }

  /// There is an answer to one of them.
  void answered() {
    const std::lock_guard guard(mutex_);
    --unanswered_;
    changed_.notify_all();
  }

  /// The client has the answer, or has gone.
  void end() {
    const std::lock_guard guard(mutex_);
    --under_way_;
    changed_.notify_all();
  }

  /// Lets none begin any more. Waits until all are answered, and for at most `drain` until the clients have the
  /// answers.
  void close(std::chrono::milliseconds drain) {
    std::unique_lock guard(mutex_);
    closing_ = true;
    changed_.wait_for(guard, drain, [this] { return under_way_ == 0; });
    changed_.wait(guard, [this] { return unanswered_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  bool closing_ = false;
  std::size_t under_way_ = 0;
  std::size_t unanswered_ = 0;
};

}  // namespace shardlog::serve::http
