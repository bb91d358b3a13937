#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shardlog/core/clock.h"
#include "tools/stream-get/record_run.h"

namespace shardlog::cli {

/// Decides which records of a batch to try next if a try fails. First it tries all of them, and all again for each
/// retry. Then it tries halves, and halves of these, down to the single records that fail, in their order. A single
/// record gets as many retries as the whole batch. The halves in between get none, so that one bad record costs few
/// attempts.
class AttemptPlan {
 public:
  /// REQUIRES: records > 0
  AttemptPlan(std::size_t records, std::uint64_t retries);

  /// What to try now; nothing once all records are dealt with.
  [[nodiscard]] std::optional<RecordRun> next() const;

  /// Goes on after the records of next().
  void succeeded();

  enum class Then {
    retry,   ///< the same, after a pause
    halve,   ///< the first half of it
    give_up  ///< nothing, because it is a single record: call given_up(), or end
  };
  Then failed();

  /// How long to wait before the retry that failed() has asked for: longer each time, at most 10 seconds.
  [[nodiscard]] Duration pause() const;

  /// How often the records of next() were tried in a row.
  [[nodiscard]] std::uint64_t attempts() const { return attempts_; }

  void given_up() { succeeded(); }

 private:
  std::size_t records_;
  std::uint64_t retries_;
  std::vector<RecordRun> parts_;  ///< that are left, the next one last
  std::uint64_t attempts_ = 0;
};

}  // namespace shardlog::cli
