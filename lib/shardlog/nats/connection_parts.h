#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "shardlog/nats/connection.h"
#include "shardlog/nats/library.h"

namespace shardlog::nats {

/// What the library's thread for callbacks reports.
class Events {
 public:
  void lost() { ++losses_; }
  [[nodiscard]] std::uint64_t losses() const { return losses_; }

  void refused(std::string text) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(text);
  }
  /// The last refusal, if it is about the subject.
  std::string take_error(std::string_view subject) {
    const std::lock_guard lock(mutex_);
    return error_.find(subject) == std::string::npos ? std::string() : std::exchange(error_, {});
  }

  void closed() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();  // under the lock: whoever waits destroys this object
  }
  /// Whether there will be no more callbacks.
  bool wait_until_closed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest_end, [this] { return is_closed_; });
  }

 private:
  std::atomic<std::uint64_t> losses_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string error_;
  bool is_closed_ = false;
};

struct Connection::Parts {
  natsConnection* connection = nullptr;
  std::unique_ptr<Events> events = std::make_unique<Events>();
};

}  // namespace shardlog::nats
