#pragma once

#include <chrono>
#include <thread>

namespace shardlog::test {

/// Asks again and again until `condition` holds; false where it does not within `limit`.
template <typename Condition>
bool wait_until(const Condition& condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// How long `work` takes.
template <typename Work>
std::chrono::milliseconds time_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace shardlog::test
