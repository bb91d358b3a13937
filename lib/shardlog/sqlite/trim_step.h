#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shardlog/core/passed.h"
#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/metrics_table.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/statements.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

/// The most that one step of trimming removes, so that no writer waits for long.
constexpr std::size_t trim_step_batches = 1000;

/// The data and keys that are stored up to a tail, in bytes, the trimmed ones too.
std::int64_t bytes_up_to(const Tail& tail);

/// What the steps of trimming share: a stream that is always full is trimmed often. The database must outlive it.
struct Trimming {
  explicit Trimming(Database& of_stream) : database(of_stream), statements(of_stream), metrics(of_stream) {}

  Database& database;
  Statements statements;
  MetricsTable metrics;
};

/// Removes the oldest batches, as far as they may go at one moment:
/// - those past retention,
/// - with StreamSettings::until_consumed, those that every consumer has passed,
/// - while the stream holds more than it may, those that every consumer has passed, or any with WhenFull::trim.
/// What arrived in them is added to the metrics, so that the history of the stream stays exact.
/// REQUIRES: a transaction is open for as long as it exists. Throws corrupt.
class TrimStep {
 public:
  /// All must outlive it. `excess` is how many bytes the stream would hold more than it may.
  TrimStep(Trimming& trimming, const Configuration& configuration, Timestamp now, std::int64_t excess);

  /// Whether the oldest batch may go.
  [[nodiscard]] bool has_work();

  /// Removes at most about 8 MiB or 1000 batches. Returns how many batches it removed.
  std::size_t run();

  /// What is left of the excess.
  [[nodiscard]] std::int64_t excess() const { return excess_; }

 private:
  [[nodiscard]] bool may_go(const BatchRow& row);
  [[nodiscard]] bool is_passed(const BatchRow& row);

  Trimming& trimming_;
  const Configuration& configuration_;
  Timestamp now_;
  std::optional<Timestamp> expired_;
  std::int64_t excess_;
  std::optional<ShardMap> map_;
  std::optional<Passed> passed_;  ///< from its first use on
};

}  // namespace shardlog::sqlite
