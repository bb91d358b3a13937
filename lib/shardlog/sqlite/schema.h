#pragma once

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "shardlog/log/settings.h"

namespace shardlog::sqlite {

constexpr std::int32_t application_id = 0x53484c47;  // "SHLG"
constexpr int format_version = 1;
constexpr int page_size = 16'384;

/// Creates the tables. REQUIRES: a transaction is open
void create_schema(SQLite::Database& database);

/// Throws corrupt where this is not a stream's database, or where its tables are neither those of create_schema() nor
/// additions that a feature announces: a table or an index of its own, or columns after those of a table. Throws
/// unsupported where a newer version made it, or a feature forbids the access.
void check_schema(SQLite::Database& database, Access access);

/// An INSERT of the columns that create_schema() gives a table, in their order. Columns that a newer program has added
/// get their defaults.
std::string insert_into(std::string_view table);

/// The same, and where there is a row with that key these columns of it are replaced. Those that a newer program has
/// added stay as they are, which REPLACE would not do.
std::string upsert_into(std::string_view table);

}  // namespace shardlog::sqlite
