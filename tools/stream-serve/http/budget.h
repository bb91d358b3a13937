#pragma once

#include <cstddef>
#include <mutex>

namespace shardlog::serve::http {

/// The memory for the bodies of all requests together, or of all answers. Safe to use from any thread.
class Budget {
 public:
  explicit Budget(std::size_t bytes) : bytes_(bytes) {}

  /// False, and nothing is taken, if less is left.
  bool take(std::size_t bytes) {
    const std::lock_guard guard(mutex_);
    if (taken_ > bytes_ || bytes > bytes_ - taken_) return false;
    taken_ += bytes;
    return true;
  }

  /// Takes more than is left if need be.
  void overdraw(std::size_t bytes) {
    const std::lock_guard guard(mutex_);
    taken_ += bytes;
  }

  [[nodiscard]] bool is_spent() {
    const std::lock_guard guard(mutex_);
    return taken_ >= bytes_;
  }

  void give_back(std::size_t bytes) {
    const std::lock_guard guard(mutex_);
    taken_ -= bytes;
  }

 private:
  std::mutex mutex_;
  const std::size_t bytes_;
  std::size_t taken_ = 0;
};

}  // namespace shardlog::serve::http
