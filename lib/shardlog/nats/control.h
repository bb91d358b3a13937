#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/shard_map.h"
#include "shardlog/log/settings.h"
#include "shardlog/nats/jetstream.h"
#include "shardlog/nats/names.h"

/// What decides what a stream is: one message, the last of the control stream. It is changed by compare-and-set on the
/// sequence of that whole JetStream stream, which is atomic also over a change of leaders; the expected sequence of one
/// subject is not (nats-server issues 4320 and 8469).
namespace shardlog::nats {

/// A reshard that has begun. Whoever finds it finishes it: resharding.h.
struct Intent {
  ReshardStep step;
  ValueChanges attributes{};
  std::uint64_t epoch = 0;  ///< the one that begins with it
  Timestamp at{};           ///< the children open and the parents close

  friend bool operator==(const Intent&, const Intent&) = default;
};

/// What retention has removed: every message of the data stream up to `sequence`.
struct Trimmed {
  struct OfShard {
    std::uint64_t sequence = 0;  ///< of the last message that was removed
    std::uint64_t last = 0;      ///< the sequence number of its last record
    std::uint64_t records = 0;   ///< all that were ever removed
    std::uint64_t bytes = 0;     ///< data and keys

    friend bool operator==(const OfShard&, const OfShard&) = default;
  };

  std::uint64_t sequence = 0;
  Timestamp newest{};  ///< the arrival of the newest record that was removed
  std::map<ShardId, OfShard> shards{};

  friend bool operator==(const Trimmed&, const Trimmed&) = default;
};

struct Control {
  std::string uuid;
  bool removed = false;  ///< a tombstone: the stream is being removed
  Timestamp created_at{};
  StreamSettings settings{};
  Attributes attributes{};
  std::uint64_t epoch = 0;                  ///< which subjects the data stream takes
  ShardMap::Version version = 1;            ///< raised by every reshard
  std::vector<Shard> shards{};              ///< open and closed, in the order of their ids
  std::map<ShardId, std::uint64_t> ends{};  ///< of each closed shard: the sequence of its marker in the data stream
  std::optional<Intent> intent{};
  Trimmed trimmed{};

  [[nodiscard]] ShardMap map() const { return {version, shards}; }

  friend bool operator==(const Control&, const Control&) = default;
};

std::string encode(const Control& control);
/// Throws corrupt, and unsupported for what a newer version wrote.
Control decode_control(std::string_view text);

/// With the sequence of the message that holds it.
struct ControlAt {
  Control control;
  std::uint64_t sequence = 0;
};

/// Reads it from the leader. Nullopt: there is none, or a tombstone. Throws as Patience::insist().
std::optional<ControlAt> read_control(JetStream& js, const std::string& name, Patience patience);

/// Replaces the message with the sequence `expected` (0: there is none) and returns the new one's; nullopt if another
/// message is there by now. An answer that got lost is looked up. Throws as Patience::insist(), and as error_of().
std::optional<std::uint64_t> replace_control(JetStream& js, const std::string& name, const Control& desired,
                                             std::uint64_t expected, Patience patience);

}  // namespace shardlog::nats
