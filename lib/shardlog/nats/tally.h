#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "shardlog/nats/scan.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

/// Counts what the shards ever took in, by the headers of the messages. It remembers how far it has come, so that the
/// next time it goes over new messages only. A message counts as an append: this engine has no others.
class Tally {
 public:
  struct OfShard {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;  ///< data and keys
    std::uint64_t messages = 0;
  };
  /// Sees each batch that counts, in order.
  using Visitor = std::function<void(const DataMessage&, const BatchFacts&)>;

  /// It must outlive it.
  explicit Tally(Session& session) : session_(session) {}

  /// Counts what is there. On return session.control() says what of it was trimmed. Throws as Scan, and corrupt.
  /// If something was trimmed meanwhile that it had not counted yet, it begins again, after a call of `restart`.
  void catch_up(const Visitor& visit = {}, const std::function<void()>& restart = {});

  [[nodiscard]] OfShard of(ShardId shard) const;
  /// Bytes of data and keys that are not trimmed.
  [[nodiscard]] std::uint64_t held() const;

 private:
  void begin_at(const Trimmed& trimmed);

  Session& session_;
  ShardEnds ends_;
  std::uint64_t sequence_ = 0;  ///< of the last message that was counted
  std::map<ShardId, OfShard> shards_;
};

/// Bytes of data and keys of all that was ever removed.
std::uint64_t bytes_of(const Trimmed& trimmed);

}  // namespace shardlog::nats
