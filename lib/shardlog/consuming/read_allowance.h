#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "shardlog/capacity/reading.h"
#include "shardlog/core/clock.h"
#include "shardlog/log/stream.h"

namespace shardlog::consuming {

/// What a reader may read now of the capacity of each shard, by the rules of capacity/reading.h. For the thread of the
/// stream.
class ReadAllowance {
 public:
  virtual ~ReadAllowance() = default;

  /// To be called with the limits that a reader has seen.
  void learn(const capacity::Limits& limits);
  [[nodiscard]] const capacity::Limits& limits() const { return limits_; }
  [[nodiscard]] bool is_limited() const { return limits_.read_calls || limits_.read_bytes; }

  /// How many bytes can be read of the shard now; 0 if it must be waited for. A record may be larger. May learn other
  /// limits. Throws as Stream::append() if consumers share the capacity.
  std::uint64_t readable(ShardId shard, bool in_new_call);
  void spend(ShardId shard, bool in_new_call, std::uint64_t bytes);

  /// After readable() was 0: when to ask again, and what is missing.
  [[nodiscard]] virtual Duration until_more(ShardId shard, bool in_new_call) = 0;
  [[nodiscard]] bool lacks_calls(ShardId shard, bool in_new_call);

  /// Gives up what is held. Ask for nothing more.
  virtual void end() {}

 protected:
  /// Brings up to date what is held of the shard, if a call of that price cannot be made with it.
  virtual void update(ShardId shard, bool in_new_call) = 0;
  [[nodiscard]] virtual capacity::Seconds& held(ShardId shard) = 0;

  [[nodiscard]] capacity::Price price(bool in_new_call) const;

 private:
  capacity::Limits limits_;
  capacity::Price price_;
};

/// For a reader without a consumer, which keeps to the limits by itself. The arguments must outlive it.
std::unique_ptr<ReadAllowance> allowance_of_reader(Stream& stream, const Clock& clock);

/// For a worker of a consumer: all consumers share the capacity. The arguments must outlive it.
std::unique_ptr<ReadAllowance> allowance_of_consumer(Stream& stream, const Clock& clock);

}  // namespace shardlog::consuming
