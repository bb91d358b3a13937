#pragma once

#include <condition_variable>
#include <mutex>

#include "shardlog/core/clock.h"

namespace shardlog::serve {

/// Lets one thread at a time do something. For any number of threads.
class Turns {
 public:
  /// Takes a turn as soon as nobody has one. False if that takes longer than `patience`.
  bool take(Duration patience) {
    std::unique_lock guard(mutex_);
    if (!changed_.wait_for(guard, patience, [this] { return !taken_; })) return false;
    taken_ = true;
    return true;
  }

  void end() {
    const std::lock_guard guard(mutex_);
    taken_ = false;
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ = false;  // guarded by the mutex
};

/// One turn, which ends with it; false if it did not come in time.
class Turn {
 public:
  Turn(Turns& turns, Duration patience) : turns_(turns), has_(turns.take(patience)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (has_) turns_.end();
  }

  explicit operator bool() const { return has_; }

 private:
  Turns& turns_;
  const bool has_;
};

}  // namespace shardlog::serve
