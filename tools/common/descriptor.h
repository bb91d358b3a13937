#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <stop_token>
#include <utility>

#include "shardlog/core/error.h"

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

  /// Gives it to the caller, who must close it.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// An event that poll(2) can wait for. Any thread may notify.
class EventDescriptor {
 public:
  /// Throws like system_error().
  EventDescriptor() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_.is_open()) throw system_error("make an event", errno);
  }

  /// Makes get() readable until drain().
  void notify() const { [[maybe_unused]] const int failed = ::eventfd_write(get(), 1); }
  void drain() const {
    eventfd_t count = 0;
    [[maybe_unused]] const int failed = ::eventfd_read(get(), &count);
  }
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
