#pragma once

#include <unistd.h>

#include <functional>
#include <stop_token>
#include <utility>

namespace shardlog::cli {

/// Owns a file descriptor and closes it; -1 means none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// An event that poll(2) can wait for. Any thread may notify.
class EventDescriptor {
 public:
  /// Throws like system_error().
  EventDescriptor();

  /// Makes get() readable until drain().
  void notify() const;
  void drain() const;
  [[nodiscard]] int get() const { return event_.get(); }

 private:
  Descriptor event_;
};

/// Lets poll(2) wait for a stop: get() becomes readable when the stop is requested.
class StopEvent {
 public:
  /// Throws like system_error().
  explicit StopEvent(const std::stop_token& stop) : notify_(stop, [this] { event_.notify(); }) {}

  [[nodiscard]] int get() const { return event_.get(); }

 private:
  EventDescriptor event_;
  std::stop_callback<std::function<void()>> notify_;
};

}  // namespace shardlog::cli
