#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/nats/address.h"
#include "shardlog/nats/message.h"

namespace shardlog::nats {

class Outage;

/// A connection to one of the servers of a cluster, which goes to another one when it is lost. What is sent while there
/// is none is dropped, not kept for later: whoever asked gets no answer, and asks again. Safe to use from several
/// threads. An Inbox is for one thread at a time.
class Connection {
 public:
  /// Throws busy (no server in reach within `patience`), permission, usage (a file of the address cannot be read).
  /// `outage` is told what happens until then.
  Connection(const Servers& servers, Duration patience, Outage* outage = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Sends a message now, without waiting for an answer. `reply` may be empty. False: there is no connection, and
  /// nobody has got it. Throws usage if it is over max_payload().
  bool publish(const std::string& subject, const std::string& reply, const Headers& headers, std::string_view data);

  /// Sends a message and waits for an answer; nullopt if none came in time, or this process was paused meanwhile, so
  /// that the answer may be out of date. Nobody to answer is an answer: status 503.
  /// So is a connection that is lost: nothing was sent, and it waited in vain for another one. Throws as publish().
  std::optional<Message> request(const std::string& subject, const Headers& headers, std::string_view data,
                                 Duration wait);

  [[nodiscard]] std::uint64_t max_payload() const;  ///< bytes of headers and data that servers take
  [[nodiscard]] std::string server() const;         ///< the URL that it is connected to; empty while it is not
  [[nodiscard]] std::string server_version() const;
  /// How often the connection was lost so far: a change means that a server went away.
  [[nodiscard]] std::uint64_t losses() const;
  /// Why a server refused something, and gave no other answer: 'Permissions Violation for Publish to "x"'. Empty if
  /// none did since it was taken. With a subject: only if it names that one; otherwise it stays.
  std::string take_error(std::string_view subject = {});

 private:
  friend class Inbox;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Collects the messages to a subject of its own, to which answers are sent, without bound. A connection that was lost
/// and is there again goes on with it; what was sent meanwhile is missing. The connection must outlive it.
class Inbox {
 public:
  explicit Inbox(Connection& connection);
  /// The messages to `subject` instead, which may have wildcards. It has no tokens. Waits until the server has
  /// subscribed, if it answers within a second; the other servers of the cluster hear of it a little later.
  Inbox(Connection& connection, const std::string& subject);
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox();

  /// The subject to name as `reply`. What is answered to it has this subject(). `token` has no '.'.
  [[nodiscard]] std::string subject(std::string_view token) const;
  /// The token of a message that came to subject(token).
  [[nodiscard]] std::string_view token_of(const Message& message) const;

  /// The next message; nullopt if none came in time.
  std::optional<Message> next(Duration wait);

 private:
  void subscribe(Connection& connection, const std::string& subject);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace shardlog::nats
