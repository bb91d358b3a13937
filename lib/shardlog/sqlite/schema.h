#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>

namespace shardlog::sqlite {

constexpr std::int32_t application_id = 0x53484c47;  // "SHLG"
constexpr int format_version = 1;
constexpr int page_size = 16'384;

/// Creates the tables. REQUIRES: a transaction is open
void create_schema(SQLite::Database& database);

/// Throws corrupt where this is not a stream's database or its tables are not exactly those of create_schema(), and
/// unsupported where a newer version made it.
void check_schema(SQLite::Database& database);

}  // namespace shardlog::sqlite
