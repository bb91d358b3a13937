#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

namespace shardlog::cli {

/// How many records all workers together may still deliver. Safe to use from any thread.
class RecordBudget {
 public:
  /// Nothing means as many as there are.
  explicit RecordBudget(std::optional<std::uint64_t> count)
      : left_(count.value_or(std::numeric_limits<std::uint64_t>::max())) {}

  /// Takes `wanted` out of it, or what is left.
  std::size_t take(std::size_t wanted) {
    std::uint64_t left = left_;
    std::uint64_t taken = 0;
    do {
      taken = std::min<std::uint64_t>(left, wanted);
    } while (!left_.compare_exchange_weak(left, left - taken));
    return taken;
  }

  [[nodiscard]] bool is_spent() const { return left_ == 0; }

 private:
  std::atomic<std::uint64_t> left_;
};

}  // namespace shardlog::cli
