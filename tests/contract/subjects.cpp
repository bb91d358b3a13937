#include "contract/contract.h"
#include "support/memory_engine.h"

#ifdef SHARDLOG_SQLITE
#include "shardlog/sqlite/sqlite_engine.h"
#endif

namespace shardlog::contract {

std::vector<Subject> subjects() {
  return {
#ifdef SHARDLOG_SQLITE
      {"Sqlite", [] { return std::make_unique<sqlite::SqliteEngine>(); }},
#endif
      {"Memory", [] { return std::make_unique<test::MemoryEngine>(test::like_sqlite()); }},
      {"MemoryApart", [] { return std::make_unique<test::MemoryEngine>(test::unlike_sqlite()); }},
  };
}

}  // namespace shardlog::contract
