#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shardlog/nats/connection.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

/// What a server says of a message that it delivers: in its reply subject, "$JS.ACK.stream.consumer.tries.sequence.
/// number.time.pending", or with a domain and a hash before the stream's name.
struct Delivery {
  std::uint64_t sequence = 0;  ///< in the stream
  std::uint64_t number = 0;    ///< of this consumer: counts up by 1
  Timestamp time{};
  std::uint64_t pending = 0;  ///< messages that the consumer has still to deliver
};
/// Nullopt if it is nothing of that kind.
std::optional<Delivery> parse_delivery(std::string_view reply);

/// A pull consumer of the whole data stream that runs on the leader of that stream: after failures the other servers of
/// nats-server 2.9 may hold other messages. Requests stand all the time, so messages come as soon as they are stored.
/// There are no acknowledgements: messages are counted, and if one is missing the consumer is lost, as it is with its
/// server. For one thread.
///
/// (It has no filter: a consumer takes none for one shard over all epochs, because the stream listens to one epoch.)
class LeaderConsumer {
 public:
  struct From {
    std::uint64_t sequence = 1;
    std::optional<Timestamp> time{};  ///< instead
  };

  /// Makes it; tries until it is on the leader. Throws as Patience::insist(), and not_found (no data stream).
  LeaderConsumer(Session& session, const From& from, bool headers_only, Patience& patience);
  LeaderConsumer(const LeaderConsumer&) = delete;
  LeaderConsumer& operator=(const LeaderConsumer&) = delete;
  ~LeaderConsumer();

  struct Delivered {
    Delivery delivery;
    Message message;
  };
  struct Nothing {};
  struct Lost {};  ///< make another one
  /// What comes within `wait`.
  std::variant<Delivered, Nothing, Lost> next(Duration wait);

  /// Whether its server, asked now, has nothing to deliver after what next() has returned. False also if it does not
  /// answer: then next() finds out.
  bool is_at_end();

  [[nodiscard]] const std::string& leader() const { return leader_; }
  /// Whether there was nothing to deliver when it was made.
  [[nodiscard]] bool began_at_end() const { return began_at_end_; }
  /// By the clock of the servers.
  [[nodiscard]] Timestamp servers_now() const;

 private:
  using Steady = std::chrono::steady_clock;

  bool make(const From& from, bool headers_only, Patience& patience);
  void remove();
  bool request_more();
  std::variant<Delivered, Nothing, Lost> read(Message message);
  bool read_status(const Message& message);

  Session& session_;
  std::uint64_t losses_;  ///< of the connection, when it was made
  Inbox inbox_;
  std::string name_;
  std::string leader_;
  bool headers_only_;
  bool began_at_end_ = false;
  Timestamp created_{};
  Steady::time_point created_at_{};     ///< when the answer came that says so
  std::uint64_t number_ = 0;            ///< of the last message
  std::deque<std::uint64_t> requests_;  ///< how many messages each may still bring
  std::uint64_t window_;                ///< bytes of the next request
  Duration silence_{0};                 ///< how long it was waited for since anything came
};

}  // namespace shardlog::nats
