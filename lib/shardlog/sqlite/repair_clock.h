#pragma once

#include <SQLiteCpp/Database.h>

#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// Brings every stored time that is later than `now` back to `now`, those in `configuration` too, whose settings the
/// caller stores. The order of all stays as it is. REQUIRES: a transaction is open. Throws corrupt.
void repair_clock(SQLite::Database& database, Configuration& configuration, Timestamp now);

}  // namespace shardlog::sqlite
