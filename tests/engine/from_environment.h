#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace shardlog::test {

/// A count that the environment may change: a nightly run takes more than the standard.
inline int count(const char* name, int standard) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes the environment
  return value == nullptr ? standard : std::stoi(value);
}

/// Of a random test: from $SHARDLOG_SEED to replay a run, and printed.
inline std::uint64_t seed() {
  const char* const value = std::getenv("SHARDLOG_SEED");  // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t seed = value == nullptr ? std::random_device{}() : std::stoull(value);
  std::cout << "seed " << seed << '\n';
  return seed;
}

}  // namespace shardlog::test
