#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

#include "shardlog/capacity/limits.h"
#include "shardlog/core/export.h"
#include "shardlog/core/position.h"
#include "shardlog/log/records.h"

namespace shardlog {

/// Where one shard is read from.
struct ShardStart {
  ShardId shard;
  std::variant<Beginning, TrimHorizon, Latest, AtTime, AtSequence, AfterSequence> from;
};

struct ReadRequest {
  /// These shards, each from a start of its own. If there are any, `shards` and `from` do not count.
  std::vector<ShardStart> starts{};
  std::vector<ShardId> shards{};  ///< empty means all
  /// A sequence number before the trim horizon leads to a gap. From any other position before the trim horizon, the
  /// read begins at the trim horizon.
  Position from = TrimHorizon{};
  std::optional<Position> until{};  ///< nullopt: the tail at the time of the call, or no end when following
  bool follow = false;
  bool notice = true;        ///< when following: commits end wait(); if false, wait() lasts its whole timeout
  bool descendants = false;  ///< also read the shards that take over from the chosen ones
  bool strict = false;       ///< a position before the trim horizon is an error, not a gap
  /// For a caller that splices lines into a pipe: see StoredBatch::pinned. Each batch may then hold a pipe of 1 MiB,
  /// and a user whose pipes take more than 64 MiB gets only small ones. So ask next() for little at a time.
  bool pin_lines = false;
};

struct ReadResult {
  std::vector<Gap> gaps;             ///< they come before the batches; the read skips no other records
  std::vector<StoredBatch> batches;  ///< in order in each shard; in commit order if Capabilities say so
  std::vector<ShardId> ended;        ///< closed shards from which nothing comes after these batches; each once
  bool at_end = false;               ///< nothing more will ever come
  bool at_tail = false;              ///< nothing more was there when this was read; false if it was not looked for
};

/// Reads forward. Holds nothing open between calls, so a slow caller delays nobody. For one thread at a time.
class SHARDLOG_API Reader {
 public:
  virtual ~Reader() = default;

  /// The next batches, about `budget` bytes in all, at least one batch or gap if there is any. When following, a result
  /// with no batches and no gaps, and at_end false, means that the tail is reached: call wait(). A read that follows
  /// chosen shards ends when all of them are closed and read. Throws corrupt (everything returned before is right, and
  /// nothing more will come), not_found (removed), busy (another process is recovering the stream, or was stopped while
  /// it was recovering it), io.
  virtual ReadResult next(std::size_t budget) = 0;

  /// The limits of the stream, as of the last next(). The reader does not keep to them: consuming/limited_reader.h
  /// does.
  [[nodiscard]] virtual capacity::Limits limits() const = 0;

  /// Waits until something was committed since the last next(), `timeout` is over, or `stop` is requested. Returns true
  /// if it noticed a commit, or may have missed one. That is only a hint: always ask next() again.
  virtual bool wait(Duration timeout, std::stop_token stop) = 0;
};

}  // namespace shardlog
