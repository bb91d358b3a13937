#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// Which records of a batch to try next, in their order, when trying may fail: all of them; the same again, so many
/// times; then halves, and halves of these, down to the single records that fail. A single one is tried again as often
/// before it is given up; between the two nothing is, so that one bad record costs few attempts.
class AttemptPlan {
 public:
  /// REQUIRES: records > 0
  AttemptPlan(std::size_t records, std::uint64_t retries);

  /// Consecutive records of the batch.
  struct Part {
    std::size_t first;
    std::size_t count;  ///< at least 1

    friend bool operator==(const Part&, const Part&) = default;
  };

  /// What to try now; nothing when all is dealt with.
  [[nodiscard]] std::optional<Part> next() const;

  /// It went well: go on behind it.
  void succeeded();

  enum class Then {
    retry,   ///< the same, after a pause
    halve,   ///< the first half of it
    give_up  ///< nothing, it is a single record: to be left out by given_up(), or the end
  };
  Then failed();

  /// How long to wait before the retry that failed() has asked for: longer each time, at most 10 seconds.
  [[nodiscard]] Duration pause() const;

  /// How often the part was tried in a row.
  [[nodiscard]] std::uint64_t attempts() const { return attempts_; }

  void given_up() { succeeded(); }

 private:
  std::size_t records_;
  std::uint64_t retries_;
  std::vector<Part> parts_;  ///< that are left, the next one last
  std::uint64_t attempts_ = 0;
};

}  // namespace shardlog::cli
