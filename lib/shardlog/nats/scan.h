#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/nats/batch_message.h"
#include "shardlog/nats/message.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

/// A message of the data stream: a batch, or the end of a shard.
struct DataMessage {
  std::uint64_t sequence = 0;
  Timestamp time{};  ///< of the leader, when it came: the arrival of its records
  std::uint64_t epoch = 0;
  ShardId shard{0};
  std::uint64_t pending = 0;  ///< how many messages the scan had still before it when this one was sent
  Message message;

  /// no_producer, end_of_shard or hash_of() a producer.
  [[nodiscard]] std::string_view last() const;
  [[nodiscard]] bool is_end() const { return last() == end_of_shard; }

  // Of a batch:
  /// Throws corrupt, and names the shard and the message.
  [[nodiscard]] BatchFacts facts() const;
  [[nodiscard]] std::string_view payload() const { return message.data(); }  ///< empty if only headers were asked for
  [[nodiscard]] std::optional<std::string_view> id() const { return message.header(id_header); }
  [[nodiscard]] std::optional<std::string_view> producer() const { return message.header(producer_header); }
};

struct ScanRequest {
  std::uint64_t from = 1;                ///< the sequence of the first message that is wanted
  std::optional<Timestamp> from_time{};  ///< instead of `from`: the first message that came then or later
  /// The last one, which is known to have been stored. Nullopt: the last that is there when the scan is made.
  std::optional<std::uint64_t> until{};
  bool follow = false;                    ///< there is no last one
  std::vector<ShardId> shards{};          ///< empty: all
  std::optional<std::string> producer{};  ///< only messages whose last() is this: then there are no ends of shards
  bool headers_only = false;
};

/// Goes over messages of the data stream in order, on the leader of that stream: the other servers of nats-server 2.9
/// may hold other messages than the leader after failures. It outlives servers: whatever it stood on is made again
/// after the last message that was read. Void batches (after the end of their shard) are in it: see ShardEnds.
///
///     Scan scan(session, {.from = 17, .shards = {shard}, .headers_only = true});
///     while (const auto message = scan.next()) ...
///
/// For the thread of the session. Throws not_found (there is no such data stream), and busy and io as
/// Patience::insist().
class Scan {
 public:
  /// Asks the leader for the last sequence unless the request says where to end. `session` must outlive it.
  Scan(Session& session, ScanRequest request);
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;
  ~Scan();

  /// The next message; nullopt at the end. Waits for it as long as the session is patient. REQUIRES: no follow
  std::optional<DataMessage> next();

  /// The next message; nullopt if none came within `wait`, or the scan has ended. Sends the message's successors on
  /// their way. Zero only takes what has come already.
  std::optional<DataMessage> next(Duration wait);

  /// Waits until next(0) has something, or `wait` is over. Returns whether it has.
  bool wait(Duration wait);

  /// Whether nothing was there after the messages that next() returned, when the leader was asked during this call.
  /// If it is false, next() will return the message that is there: it waits for it inside this call.
  bool at_tail();

  /// Whether next() will return nothing more. Always false if it follows.
  [[nodiscard]] bool over() const;

  /// All messages before this sequence were returned, or are not wanted.
  [[nodiscard]] std::uint64_t position() const;

  /// What the clock of the servers says, as well as it is known: by the time at which they made what the scan stands
  /// on.
  [[nodiscard]] Timestamp servers_now();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// The last sequence of the data stream, from its leader; 0 if it never had a message. One that has just become the
/// leader may tell of less than is stored, for a moment. Throws as Scan.
std::uint64_t last_sequence(Session& session);

/// The same, for a writer, as a majority of the servers says: nothing that was stored before the call comes after it.
/// One try. `subject` is one that the data stream takes; if it takes another epoch, that is Unavailable.
Answer<std::uint64_t> settled_sequence(Session& session, const std::string& subject, Duration wait);

/// Where closed shards end, so that void batches can be told: by the control message, and by the markers that a scan
/// meets.
class ShardEnds {
 public:
  /// Takes what the control message says. While a reshard is not finished, looks for the markers of its parents.
  void refresh(Session& session);
  /// Notes a message that is an end. The first one counts.
  void note(const DataMessage& message);

  /// The sequence of the marker; nullopt if the shard is open.
  [[nodiscard]] std::optional<std::uint64_t> of(ShardId shard) const;
  /// Whether the message is a batch that does not count.
  [[nodiscard]] bool is_void(const DataMessage& message) const;

 private:
  std::map<ShardId, std::uint64_t> ends_;
};

}  // namespace shardlog::nats
