#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "shardlog/nats/connection.h"
#include "shardlog/nats/library.h"
#include "shardlog/nats/sockets.h"

namespace shardlog::nats {

/// What the library's thread for callbacks reports.
class Events {
 public:
  void connected() const { sockets_.keep_from_commands(); }

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
  Sockets sockets_;
};

/// Subscriptions that have ended, and cannot be freed yet: the library's thread that reads from the server takes a
/// subscription from its table for each message, and uses it without a reference (libnats 3.4, natsConn_processMsg).
/// Once it has read the answer to a request that was made later, it has left them.
class Retired {
 public:
  using Count = std::uint64_t;

  void add(natsSubscription* subscription) {
    const std::lock_guard lock(mutex_);
    subscriptions_.push_back(subscription);
  }

  /// How many were added so far.
  [[nodiscard]] Count added() {
    const std::lock_guard lock(mutex_);
    return freed_ + subscriptions_.size();
  }

  /// Frees those of the first `count` that are there.
  void free(Count count) {
    const std::lock_guard lock(mutex_);
    for (; freed_ < count; ++freed_) {
      natsSubscription_Destroy(subscriptions_.front());
      subscriptions_.pop_front();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<natsSubscription*> subscriptions_;
  Count freed_ = 0;
};

struct Connection::Parts {
  natsConnection* connection = nullptr;
  std::unique_ptr<Events> events = std::make_unique<Events>();
  Retired retired{};
};

}  // namespace shardlog::nats
