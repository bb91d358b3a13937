#pragma once

#include <SQLiteCpp/Database.h>

#include <functional>
#include <string>

#include "shardlog/capacity/shard_buckets.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

/// The table `write_capacity`: the buckets of shards that were ever written to under a limit. Every function REQUIRES
/// an open transaction, and throws corrupt if a row is not what was written.
class WriteBuckets final : public capacity::Buckets {
 public:
  /// The database must outlive it.
  explicit WriteBuckets(SQLite::Database& database) : statements_(database) {}

  capacity::Bucket load(ShardId shard) override;
  void store(ShardId shard, const capacity::Bucket& bucket) override;
  void remove(ShardId shard) override;

  /// Reports each damaged row.
  void verify(const std::function<void(const std::string&)>& report);

 private:
  Statements statements_;
};

/// Whether the stream limits what is written.
inline bool limits_writing(const Configuration& configuration) {
  const capacity::Limits& limits = configuration.settings.limits;
  return limits.write_records || limits.write_bytes;
}

capacity::Moment moment_of(const Clock& clock);

}  // namespace shardlog::sqlite
