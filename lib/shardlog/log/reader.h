#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <variant>
#include <vector>

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
  std::vector<ShardStart>
      starts{};                   ///< these shards, each from a place of its own; then `shards` and `from` say nothing
  std::vector<ShardId> shards{};  ///< none means all
  Position from = TrimHorizon{};  ///< before the trim horizon, a sequence number is a gap; other positions begin there
  std::optional<Position> until{};  ///< nothing means the tail at the start, or no end when following
  bool follow = false;
  bool notice = true;        ///< when following: be woken by commits; otherwise wait() lasts as long as it is told to
  bool descendants = false;  ///< those that take over from the chosen shards too
  bool strict = false;       ///< a position before the trim horizon is an error, not a gap
};

struct ReadResult {
  std::vector<Gap> gaps;             ///< before the batches: no other record that was asked for is passed over
  std::vector<StoredBatch> batches;  ///< in order in each shard; in commit order where Capabilities say so
  std::vector<ShardId> ended;        ///< closed shards of which, after the batches, nothing more will come; each once
  bool at_end = false;               ///< nothing more will ever come
};

/// Reads forward. Holds nothing open between calls, so a slow caller holds up nobody. For one thread at a time.
class SHARDLOG_API Reader {
 public:
  virtual ~Reader() = default;

  /// The next batches, in all about `budget` bytes, at least one where there is one. An empty result that is not at_end
  /// and without gaps means that the tail is reached (only when following): wait(). Following chosen shards ends when
  /// all of them are closed and read. Throws corrupt (what was read before is right, nothing after it is delivered),
  /// not_found (removed), busy (another process is recovering the stream, or was stopped within that), io.
  virtual ReadResult next(std::size_t budget) = 0;

  /// Waits until something was committed since the last next(), or `timeout` is over, or `stop` was requested. Returns
  /// true where a commit was noticed. Only a hint: always ask next() again.
  virtual bool wait(Duration timeout, std::stop_token stop) = 0;
};

}  // namespace shardlog
