#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "shardlog/core/clock.h"

namespace shardlog {

/// When the records of one batch arrived, in their order.
class Arrivals {
 public:
  /// All at once.
  explicit Arrivals(Timestamp all) : first_(all) {}

  /// Each by itself. REQUIRES: at least one
  explicit Arrivals(std::vector<Timestamp> each) : first_(each.front()), each_(std::move(each)) {}

  /// REQUIRES: index is that of a record
  [[nodiscard]] Timestamp operator[](std::size_t index) const { return each_.empty() ? first_ : each_[index]; }

  /// Whether all have the same time for sure.
  [[nodiscard]] bool at_once() const { return each_.empty(); }

 private:
  Timestamp first_;
  std::vector<Timestamp> each_;  ///< empty if all arrived at once
};

}  // namespace shardlog
