#pragma once

#include <SQLiteCpp/Database.h>

#include "shardlog/sqlite/settings.h"

namespace shardlog::sqlite {

/// Sets every stored time that is later than `now` to `now`, which changes no order. Those of the settings it changes
/// only in `configuration`, which the caller stores. REQUIRES: a transaction is open. Throws corrupt.
void repair_clock(SQLite::Database& database, Configuration& configuration, Timestamp now);

}  // namespace shardlog::sqlite
