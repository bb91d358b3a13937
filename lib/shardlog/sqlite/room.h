#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <span>

#include "shardlog/log/records.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"
#include "shardlog/sqlite/trim_step.h"

namespace shardlog::sqlite {

/// Keeps a stream within StreamSettings::max_bytes. What it holds is known without a scan: what was ever stored up to
/// its tail, without what was stored up to the trim horizon.
class Room {
 public:
  /// The database must outlive it.
  explicit Room(Database& database);

  /// Makes room after `tail` for the batches by removing the oldest ones, at most a step (TrimStep), and some room for
  /// the next appends, so that most of them have nothing to remove. Returns nullopt if the batches fit now; otherwise
  /// why they do not. REQUIRES: a transaction is open. Throws corrupt.
  std::optional<Outcome> make(const Configuration& configuration, const Tail& tail,
                              std::span<const RoutedBatch> batches, Timestamp now);

  /// Whether the last make() removed something. If that was not enough, it may be worth another step.
  [[nodiscard]] bool made_some() const { return made_some_; }

 private:
  std::int64_t trimmed_bytes();

  Trimming trimming_;
  SQLite::Statement horizon_batch_;
  std::int64_t horizon_ = 0;        ///< the newest trimmed batch, when it was looked at last
  std::int64_t trimmed_bytes_ = 0;  ///< up to there
  bool made_some_ = false;
};

}  // namespace shardlog::sqlite
