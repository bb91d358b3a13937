#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/clock.h"
#include "shardlog/core/export.h"

namespace shardlog::metrics {

/// How often each length of time occurred, in microseconds. Log-linear, as HdrHistogram: lengths below 128 us are kept
/// as they are, longer ones in buckets that are at most 1/64 of their length wide, so what percentile() says is less
/// than 1 % off. Count, sum and maximum are exact.
class SHARDLOG_API Histogram {
 public:
  /// A negative length counts as 0.
  void add(Duration length, std::uint64_t times = 1);
  void add(const Histogram& other);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Duration max() const { return max_; }
  /// In microseconds. Exact up to 2^53, which is 285 years.
  [[nodiscard]] double sum() const { return sum_; }
  /// `part` of them (0 to 1) were at most this long, by the nearest rank. 0 if there are none.
  [[nodiscard]] Duration percentile(double part) const;
  /// How many were at most this long, as exact as the buckets are.
  [[nodiscard]] std::uint64_t at_most(Duration length) const;

  /// Appends it to `out`: 2 to 4 bytes for each bucket in use, so that a usual one takes some hundred bytes.
  void encode(std::string& out) const;
  /// Takes one off the start of `in`. Throws corrupt.
  static Histogram decode(std::string_view& in);

  friend bool operator==(const Histogram& a, const Histogram& b) {
    return a.buckets_ == b.buckets_ && a.sum_ == b.sum_ && a.max_ == b.max_;
  }

 private:
  struct Bucket {
    std::uint32_t index;
    std::uint64_t times;

    friend bool operator==(const Bucket&, const Bucket&) = default;
  };

  void find(std::uint32_t index);

  std::vector<Bucket> buckets_;  // those that count something, in order: a map takes three times the memory
  std::size_t latest_ = 0;       // the one that was used last, which often is the next one too
  std::uint64_t count_ = 0;
  double sum_ = 0;
  Duration max_{0};
};

}  // namespace shardlog::metrics
