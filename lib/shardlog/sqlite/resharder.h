#pragma once

#include <span>

#include "shardlog/log/parts.h"
#include "shardlog/sqlite/session.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

/// Applies steps to the stored shard map. Remembers what it stored, so that a step costs the same in a stream of a
/// thousand shards as in one of two.
class Resharder final : public Resharding {
 public:
  explicit Resharder(Session& session) : session_(session) { forget(); }

  std::optional<ShardMap::Version> apply(const ReshardStep& step, ShardMap::Version version,
                                         const ValueChanges& attributes) override;

 private:
  bool store_if_current(const ReshardStep& step, ShardMap::Version version, const ValueChanges& attributes);
  void store(const ReshardStep& step, const ValueChanges& attributes);
  void hand_over_capacity(std::span<const ShardId> parents, std::span<const Shard> children);
  ShardRow& row_of(ShardId id);
  void forget();

  Session& session_;
  Configuration configuration_;  ///< of version 0, which no stream has, until it is loaded
  Tail tail_;
};

}  // namespace shardlog::sqlite
