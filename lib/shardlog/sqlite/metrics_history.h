#pragma once

#include <vector>

#include "shardlog/metrics/measures.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// From `from` until before `until`.
struct TimeSpan {
  Timestamp from;
  Timestamp until;
};

/// Divides the part of a time of which metrics are kept into pieces of a few hours, none of which cuts a period in two.
/// Read each in a transaction of its own: a day of many shards and consumers takes long to read.
std::vector<TimeSpan> pieces_of_history(TimeSpan time, Timestamp now);

/// As Metrics::history(), for one piece. What arrived is the sum of what the batches say that are still there, and of
/// what trimming has added to the metrics for those that are gone. REQUIRES: a transaction is open
std::vector<metrics::Period> history(Database& database, const Configuration& configuration, const TimeSpan& piece,
                                     Timestamp now);

}  // namespace shardlog::sqlite
