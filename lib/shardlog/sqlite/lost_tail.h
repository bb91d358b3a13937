#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <optional>
#include <string>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/durable_mark.h"

namespace shardlog::sqlite {

/// The newest batch that anything in the database knows of: batches, the index, or the trim horizon.
std::int64_t newest_known_batch(SQLite::Database& database);

/// What is missing at the end of a stream that ends before `mark`: corrupt, with how much it is, as far as that can be
/// known. REQUIRES: a transaction is open, or the writer lock is held; the stream ends before it
Error lost_tail(SQLite::Database& database, const DurableMark& mark);

}  // namespace shardlog::sqlite
