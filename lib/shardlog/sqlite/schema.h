#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shardlog/log/settings.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/features.h"

namespace shardlog::sqlite {

constexpr std::int32_t application_id = 0x53484c47;  // "SHLG"
constexpr int format_version = 1;
constexpr int page_size = 16'384;

/// Creates the tables of a stream with these features. REQUIRES: a transaction is open
void create_schema(Database& database, const Features& features);

/// Throws corrupt if this is not a stream's database, or if anything in it was neither made by create_schema() nor is
/// announced by a feature: a feature may add tables, indexes, and columns after those of a table. Throws unsupported if
/// a newer version made the stream, or if a feature forbids the access.
void check_schema(Database& database, Access access);

/// An INSERT of the columns that create_schema() gives a table, in their order. Columns added by a newer program get
/// their defaults.
std::string insert_into(std::string_view table);

/// The same, but if there is a row with that key, it replaces these columns in that row. Columns added by a newer
/// program stay as they are; the REPLACE of SQL would reset them.
std::string upsert_into(std::string_view table);

}  // namespace shardlog::sqlite
