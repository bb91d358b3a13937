#pragma once

#include <functional>
#include <string>

#include "shardlog/capacity/shard_buckets.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

/// The buckets of the shards for one use: a table with a row for each shard that was ever used that way under a limit.
/// Every function REQUIRES an open transaction, and throws corrupt if a row is not what was written.
class CapacityTable final : public capacity::Buckets {
 public:
  enum class Use { writing, reading };

  /// The database must outlive it.
  CapacityTable(Database& database, Use use)
      : table_(use == Use::writing ? "write_capacity" : "read_capacity"), statements_(database) {}

  capacity::Bucket load(ShardId shard) override;
  void store(ShardId shard, const capacity::Bucket& bucket) override;
  void remove(ShardId shard) override;

  /// Reports each damaged row.
  void verify(const std::function<void(const std::string&)>& report);

 private:
  capacity::Bucket read_row(SQLite::Statement& row) const;

  std::string table_;
  Statements statements_;
};

/// Whether the stream limits what is written.
inline bool limits_writing(const Configuration& configuration) {
  const capacity::Limits& limits = configuration.settings.limits;
  return limits.write_records || limits.write_bytes;
}

/// Whether the stream limits what is read.
inline bool limits_reading(const Configuration& configuration) {
  const capacity::Limits& limits = configuration.settings.limits;
  return limits.read_calls || limits.read_bytes;
}

capacity::Moment moment_of(const Clock& clock);

}  // namespace shardlog::sqlite
