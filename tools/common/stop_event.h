#pragma once

#include <functional>
#include <stop_token>

#include "tools/common/event_descriptor.h"

namespace shardlog::cli {

/// Lets poll(2) wait for a stop: get() is readable from the request on.
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
