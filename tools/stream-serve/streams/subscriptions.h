#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "shardlog/core/clock.h"
#include "shardlog/core/shard.h"
#include "tools/stream-serve/http/feed.h"

namespace shardlog::serve {

/// The times of a subscription (Kinesis API, "SubscribeToShard").
struct SubscriptionTimes {
  Duration lifetime = std::chrono::minutes(5);  ///< then it ends, and the client subscribes anew
  Duration hold = std::chrono::seconds(5);      ///< then another client can take it over
  Duration pause = std::chrono::seconds(5);  ///< the longest between two events: a client sees that the server is there
};

/// What a subscription is for: there is one at a time.
struct SubscriptionKey {
  std::string stream;  ///< its UUID
  std::string consumer;
  ShardId shard;

  friend bool operator==(const SubscriptionKey&, const SubscriptionKey&) = default;
};

/// A subscription under way. It is over when its client has gone, somebody ends it, or the server ends.
class Subscription {
 public:
  Subscription(SubscriptionKey key, Duration began) : key_(std::move(key)), began_(began) {}

  enum class End { by_itself, taken_over, deregistered };

  [[nodiscard]] http::Feed& feed() const { return *feed_; }
  [[nodiscard]] std::stop_token over() const { return over_.get_token(); }
  [[nodiscard]] End end() const { return end_; }

 private:
  friend class Subscriptions;

  const SubscriptionKey key_;
  const Duration began_;  ///< Clock::elapsed()
  std::shared_ptr<http::Feed> feed_ = std::make_shared<http::Feed>();
  std::stop_source over_;
  std::atomic<End> end_ = End::by_itself;
  std::atomic<bool> is_done_ = false;
};

/// The subscriptions of all clients. Each has a thread of its own, which waits for records. For any number of threads.
class Subscriptions {
 public:
  /// Writes the events of a subscription until it is over. Must not throw.
  using Deliver = std::function<void(Subscription&)>;

  /// `stop` ends all. `clock` must outlive it.
  Subscriptions(std::stop_token stop, const Clock& clock, SubscriptionTimes times = {});
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;
  /// Ends all, and waits for them.
  ~Subscriptions();

  enum class Refused { in_use, too_many };
  struct Begun {
    std::shared_ptr<http::Feed> feed{};  ///< nullptr if it was refused
    Refused why = Refused::in_use;
  };
  /// Begins a subscription, and ends the one before it if that is old enough. Throws busy if threads are short.
  Begun begin(const SubscriptionKey& key, Deliver deliver);

  /// Ends those of a consumer that was deregistered.
  void end(const std::string& stream, const std::string& consumer);

  [[nodiscard]] const SubscriptionTimes& times() const { return times_; }

 private:
  struct Running {
    std::shared_ptr<Subscription> subscription;
    std::jthread thread{};
  };

  [[nodiscard]] std::shared_ptr<Subscription> newest(const SubscriptionKey& key) const;
  [[nodiscard]] bool are_too_many(const Subscription* replaced) const;
  static void end(Subscription& subscription, Subscription::End how);
  void run(Subscription& subscription, const Deliver& deliver) const;

  const std::stop_token stop_;
  const Clock& clock_;
  const SubscriptionTimes times_;
  std::mutex mutex_;
  std::list<Running> running_;  ///< guarded by the mutex; some may be done
};

}  // namespace shardlog::serve
