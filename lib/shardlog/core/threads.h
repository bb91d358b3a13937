#pragma once

#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "shardlog/core/clock.h"
#include "shardlog/core/error.h"

namespace shardlog {

/// The busy error of a thread that could not be started: it names the limits that are set, one of which is reached.
Error no_thread(const std::error_code& reason);

/// Starts a thread. Throws busy where the system has none to give; then nothing has been started.
template <typename Work>
std::jthread start_thread(Work&& work) {
  try {
    return std::jthread(std::forward<Work>(work));
  } catch (const std::system_error& error) {
    throw no_thread(error.code());
  }
}

/// Sleeps, at most until `stop` is requested.
void sleep_for(Duration time, const std::stop_token& stop);

}  // namespace shardlog
