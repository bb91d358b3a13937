#pragma once

#include <functional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"

namespace shardlog {

/// The busy error for a thread that could not be started. Names the limits that are set: one of them was reached.
Error no_thread(const std::error_code& reason);

/// Starts a thread. Throws busy if the system has none to give.
template <typename Work>
std::jthread start_thread(Work&& work) {
  try {
    return std::jthread(std::forward<Work>(work));
  } catch (const std::system_error& error) {
    throw no_thread(error.code());
  }
}

/// Sleeps, but ends as soon as `stop` is requested.
void sleep_for(Duration time, const std::stop_token& stop);

/// A stop that is requested as soon as one of two others is.
class EitherStop {
 public:
  EitherStop(const std::stop_token& one, const std::stop_token& other)
      : one_(one, [this] { either_.request_stop(); }), other_(other, [this] { either_.request_stop(); }) {}

  [[nodiscard]] std::stop_token token() const { return either_.get_token(); }

 private:
  std::stop_source either_;
  std::stop_callback<std::function<void()>> one_;
  std::stop_callback<std::function<void()>> other_;
};

}  // namespace shardlog
