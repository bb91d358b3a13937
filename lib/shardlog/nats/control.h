#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/shard_map.h"
#include "shardlog/log/settings.h"
#include "shardlog/metrics/measures.h"
#include "shardlog/nats/jetstream.h"
#include "shardlog/nats/names.h"

/// What decides what a stream is: one message, the last of the control stream. It is changed by compare-and-set on the
/// sequence of that whole JetStream stream, which is atomic also over a change of leaders; the expected sequence of one
/// subject is not (nats-server issues 4320 and 8469). Nothing else is ever published there, so each change counts the
/// sequence up by 1. A few older messages are kept: so a process whose answer got lost can look whether its change was
/// made, even if others have changed the message since.
///
///     offset size
///     0      4     magic "SLCM"
///     4      1     version
///     5      8     checksum: XXH3-64 of all that follows, with the version as its seed
///     13     8     size before compression
///     21           zstd
namespace shardlog::nats {

/// A reshard that has begun. Whoever finds it finishes it: resharder.h.
struct Intent {
  std::vector<ReshardStep> steps{};  ///< at least one; all of them become true at once
  ValueChanges attributes{};
  std::uint64_t epoch = 0;  ///< the one that begins with it

  friend bool operator==(const Intent&, const Intent&) = default;
};

/// What retention has removed: every message of the data stream up to `sequence`.
struct Trimmed {
  struct OfShard {
    std::uint64_t sequence = 0;  ///< of the last message that was removed
    std::uint64_t last = 0;      ///< the sequence number of its last record
    std::uint64_t records = 0;   ///< all that were ever removed
    std::uint64_t bytes = 0;     ///< data and keys
    std::uint64_t messages = 0;  ///< that these records were in

    friend bool operator==(const OfShard&, const OfShard&) = default;
  };

  std::uint64_t sequence = 0;
  Timestamp newest{};  ///< the arrival of the newest record that was removed
  std::map<ShardId, OfShard> shards{};
  /// What arrived in removed messages and is not in the metrics stream yet, by the start of each minute: metrics.h.
  std::map<Timestamp, metrics::Measures> counted{};
  std::uint64_t moved = 0;  ///< how often `counted` was moved there

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

/// How many messages the control stream keeps.
constexpr std::int64_t kept_control_messages = 8;

/// With the message that holds it.
struct ControlAt {
  Control control;
  std::uint64_t sequence = 0;
};

/// What `name` is called in messages: "stream 'nats:orders'".
std::string described(const std::string& name);

/// Reads the message from the leader, a tombstone too, and does not look into it. Nullopt: there is no control stream.
/// Sequence 0: there is one, without a message. Throws as Patience::insist().
std::optional<KeptMessage> read_control_message(JetStream& js, const std::string& name, Patience patience);

/// What the message says. Nullopt: it is a tombstone, or none at all. Throws as decode_control().
std::optional<ControlAt> decoded(const KeptMessage& message, const std::string& name);

/// Reads it from the leader. Nullopt: there is none, or a tombstone. Throws as Patience::insist(), and as
/// decode_control().
std::optional<ControlAt> read_control(JetStream& js, const std::string& name, const Patience& patience);

/// Replaces the message with the sequence `expected` (0: there is none) and returns the new one's; nullopt if another
/// message is there by now. An answer that got lost is looked up. Throws as Patience::insist(), as error_of(), and io
/// if the outcome stays unknown.
std::optional<std::uint64_t> replace_control(JetStream& js, const std::string& name, const Control& desired,
                                             std::uint64_t expected, Patience patience);

}  // namespace shardlog::nats
