#pragma once

#include <SQLiteCpp/Database.h>

#include <vector>

#include "shardlog/metrics/measures.h"
#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// As Metrics::history(). What arrived is the sum of what the batches say that are still there, and of what trimming
/// has added to the metrics for those that are gone. REQUIRES: a transaction is open
std::vector<metrics::Period> history(SQLite::Database& database, const Configuration& configuration, Timestamp from,
                                     Timestamp until, Timestamp now);

}  // namespace shardlog::sqlite
