#include "tools/stream-serve/streams/subscriptions.h"

#include <algorithm>
#include <utility>

#include "shardlog/core/threads.h"

namespace shardlog::serve {

namespace {

/// Each takes a thread and some descriptors.
constexpr std::size_t most_subscriptions = 256;
constexpr std::size_t most_threads = 2 * most_subscriptions;  ///< with those of subscriptions that are over

}  // namespace

Subscriptions::Subscriptions(std::stop_token stop, const Clock& clock, SubscriptionTimes times)
    : stop_(std::move(stop)), clock_(clock), times_(times) {}

Subscriptions::~Subscriptions() {
  for (const Running& running : running_) running.subscription->over_.request_stop();
}

Subscriptions::Begun Subscriptions::begin(const SubscriptionKey& key, Deliver deliver) {
  const std::lock_guard guard(mutex_);
  std::erase_if(running_, [](const Running& each) { return each.subscription->is_done_.load(); });
  const auto before = newest(key);
  if (before && clock_.elapsed() - before->began_ < times_.hold) return {nullptr, Refused::in_use};
  if (are_too_many(before.get())) return {nullptr, Refused::too_many};
  const auto subscription = std::make_shared<Subscription>(key, clock_.elapsed());
  running_.push_back({subscription});
  try {
    running_.back().thread =
        start_thread([this, subscription, deliver = std::move(deliver)] { run(*subscription, deliver); });
  } catch (...) {
    running_.pop_back();
    throw;
  }
  if (before) end(*before, Subscription::End::taken_over);  // only now: it goes on if the new one is refused
  return {subscription->feed_};
}

/// Nullptr if there is none for this. Under the mutex.
std::shared_ptr<Subscription> Subscriptions::newest(const SubscriptionKey& key) const {
  const auto found = std::find_if(running_.rbegin(), running_.rend(),
                                  [&key](const Running& each) { return each.subscription->key_ == key; });
  return found == running_.rend() ? nullptr : found->subscription;
}

/// Whether there is no room for one more instead of `replaced`, which may be nullptr. Those that are over count less:
/// their threads are about to end. Under the mutex.
bool Subscriptions::are_too_many(const Subscription* replaced) const {
  const auto others = std::count_if(running_.begin(), running_.end(), [replaced](const Running& each) {
    return each.subscription.get() != replaced && !each.subscription->over().stop_requested();
  });
  return static_cast<std::size_t>(others) >= most_subscriptions || running_.size() >= most_threads;
}

void Subscriptions::end(const std::string& stream, const std::string& consumer) {
  const std::lock_guard guard(mutex_);
  for (const Running& each : running_) {
    const SubscriptionKey& key = each.subscription->key_;
    if (key.stream == stream && key.consumer == consumer) end(*each.subscription, Subscription::End::deregistered);
  }
}

void Subscriptions::end(Subscription& subscription, Subscription::End how) {
  subscription.end_ = how;
  subscription.over_.request_stop();
}

void Subscriptions::run(Subscription& subscription, const Deliver& deliver) const {
  const auto stop = [&subscription] { subscription.over_.request_stop(); };
  const std::stop_callback at_end(stop_, stop);
  const std::stop_callback without_client(subscription.feed_->gone(), stop);
  deliver(subscription);
  subscription.feed_->end();
  subscription.is_done_ = true;
}

}  // namespace shardlog::serve
