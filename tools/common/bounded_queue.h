#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// Hands items from one thread to another. It holds at most `capacity` of them, in whatever unit the caller counts; an
/// item that is larger is let in when the queue is empty.
template <typename Item>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for room. False if the queue is closed: the item is dropped.
  bool push(Item&& item, std::size_t weight) {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return closed_ || items_.empty() || held_ + weight <= capacity_; });
    if (closed_) return false;
    held_ += weight;
    items_.emplace_back(std::move(item), weight);
    changed_.notify_all();
    return true;
  }

  /// Waits for an item; empty if the queue is closed and has no more.
  std::optional<Item> pop() {
    std::unique_lock guard(mutex_);
    ++waiting_;
    changed_.wait(guard, [this] { return closed_ || !items_.empty(); });
    --waiting_;
    return take();
  }

  /// Waits until pop() need not wait, for `timeout` at most. Returns false if that was not enough.
  bool wait_for(Duration timeout) {
    std::unique_lock guard(mutex_);
    ++waiting_;
    const bool is_ready = changed_.wait_for(guard, timeout, [this] { return closed_ || !items_.empty(); });
    --waiting_;
    return is_ready;
  }

  /// As pop(), but waits for `timeout` at most.
  std::optional<Item> pop_for(Duration timeout) {
    std::unique_lock guard(mutex_);
    ++waiting_;
    changed_.wait_for(guard, timeout, [this] { return closed_ || !items_.empty(); });
    --waiting_;
    return take();
  }

  /// Whether all items were taken and a thread waits for more. If only one thread takes items, it is done with them
  /// all.
  [[nodiscard]] bool is_awaited() {
    const std::lock_guard guard(mutex_);
    return waiting_ > 0 && items_.empty();
  }

  /// Whether an item waits to be taken.
  [[nodiscard]] bool holds_any() {
    const std::lock_guard guard(mutex_);
    return !items_.empty();
  }

  /// The next item, if there is one now.
  std::optional<Item> try_pop() {
    const std::lock_guard guard(mutex_);
    return take();
  }

  /// Lets no more items in; those that are there can still be taken.
  void close() {
    const std::lock_guard guard(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::optional<Item> take() {
    if (items_.empty()) return std::nullopt;
    std::optional<Item> item(std::move(items_.front().first));
    held_ -= items_.front().second;
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Item, std::size_t>> items_;
  std::size_t capacity_;
  std::size_t held_ = 0;
  bool closed_ = false;
  std::size_t waiting_ = 0;  // threads that want to take
};

}  // namespace shardlog::cli
