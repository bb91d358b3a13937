#pragma once

#include <optional>
#include <string_view>

namespace shardlog::cli {

/// Keeps an even share of records.
class Sampler {
 public:
  enum class By {
    record,  ///< the share is spread evenly over the records
    key,     ///< all records of a key or none, the same keys in every run; without a key, the same as `record`
  };

  /// REQUIRES: 0 < percent <= 100
  Sampler(double percent, By by) : percent_(percent), by_(by) {}

  /// Whether the next record is kept.
  [[nodiscard]] bool keeps(std::optional<std::string_view> key);

 private:
  double percent_;
  By by_;
  double owed_ = 0;  ///< in percent of a record
};

}  // namespace shardlog::cli
