#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shardlog/log/records.h"
#include "shardlog/nats/jetstream.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

/// Throws internal if the control message does not have it.
const Shard& shard_of(const Control& control, ShardId id);

/// Where a closed shard ends: whatever has this sequence in the data stream, or a later one, is not in it. Nullopt if
/// it is open.
std::optional<std::uint64_t> end_of(const Control& control, const Shard& shard);

/// Whether a message that came to the shard after the message `floor` may have been removed: by retention, for want of
/// room, or because it was consumed.
bool may_be_trimmed(const Control& control, ShardId shard, std::uint64_t floor);

/// Reads the control message now, and finishes the reshard that it may tell of. Throws as Session::refresh().
const Control& read_settled(Session& session, const Patience& patience);

/// A batch on its way to a shard.
struct Outgoing {
  ShardId shard;
  std::string id;   ///< its Nats-Msg-Id, a different one for each
  Headers headers;  ///< the others
  std::string_view payload;
};

// What became of it, beside Sealed, Unknown and Refusal:

struct StoredAt {
  std::uint64_t sequence = 0;
  Timestamp at{};  ///< when its acknowledgement came, by the Clock of the session: nothing tells the servers' time
};
/// Nothing was stored, and nobody refused it: time was up.
struct NotStored {
  std::string reason;
};

using Fate = std::variant<NotStored, StoredAt, Sealed, Refusal, Unknown>;

/// What is different for the parts of a producer's slot.
struct PartTerms {
  std::string producer;                         ///< the last part of their subjects: producer_token()
  Duration claimed_at{0};                       ///< by Clock::since_boot(): before the slot was claimed
  std::map<ShardId, std::uint64_t> expected{};  ///< the last message of each subject, read before that; 0: none
};

/// Publishes batches, each as a message, to their shards.
///
/// Messages are sent in their order. Of each shard one message is in flight: the next one, and all after it, are sent
/// when that is acknowledged, because otherwise it could overtake one that has to be sent again. What was not
/// acknowledged within a second, or found nobody who takes it, is sent again with the same id: servers store an id
/// once, while it is in their window of duplicates. A process that was suspended for longer than half of that window
/// does not send it again before it has looked for it, and has not found it. (What remains is a suspension of the whole
/// window between that look and the system call that sends.) If it may have been removed meanwhile, because something
/// that came after it could be sent was trimmed, its fate is Unknown.
///
/// An acknowledgement is not enough: a message that came after the end of its shard is acknowledged, and void. So in
/// the end the control message is read. If that shows another epoch than the one that a message was published to, the
/// message counts if its shard is open, or if it came before the end of its shard.
///
/// For the thread of the session, which must outlive it.
class ShardPublisher {
 public:
  explicit ShardPublisher(Session& session);
  ShardPublisher(const ShardPublisher&) = delete;
  ShardPublisher& operator=(const ShardPublisher&) = delete;
  ~ShardPublisher();

  /// Returns when each message has its fate. After the first of a shard that is not stored, the others of that shard
  /// are not stored either. Throws not_found (the stream was removed), permission, and busy if nothing was sent.
  std::vector<Fate> publish(std::span<const Outgoing> messages, const Patience& patience);

  /// The same for the parts of a slot. What is not StoredAt has to be looked for: redo.h.
  std::vector<Fate> publish(std::span<const Outgoing> parts, const PartTerms& terms, const Patience& patience);

  /// The data stream has had a message with this sequence, or a later one: what is sent from now on comes after it, and
  /// is not trimmed as long as only messages up to there are. Throws busy (nobody says so).
  std::uint64_t floor();

 private:
  class Run;

  std::vector<Fate> run(std::span<const Outgoing> messages, const PartTerms* terms, const Patience& patience);

  Session& session_;
  std::unique_ptr<Inbox> inbox_;  ///< of all calls, so that servers learn of one subject only
  std::uint64_t sent_ = 0;        ///< by all calls: numbers the messages
  std::optional<std::uint64_t> floor_{};
};

}  // namespace shardlog::nats
