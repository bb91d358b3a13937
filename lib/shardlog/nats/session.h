#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "shardlog/log/stream.h"
#include "shardlog/nats/address.h"
#include "shardlog/nats/control.h"
#include "shardlog/nats/jetstream.h"
#include "shardlog/nats/names.h"

namespace shardlog::nats {

/// Of a stream whose messages are kept by so many servers, which take messages of so many bytes.
constexpr std::uint64_t recommended_max_payload = 12UL * 1024 * 1024;
Capabilities capabilities_of(int replicas, std::uint64_t max_payload);
/// Of a stream as it should be.
const Capabilities& capabilities();

/// Throws cannot_create unless the server takes messages with records of this size. `what` begins the message.
void check_payload(const Connection& connection, std::uint64_t max_record_size, const std::string& what);

/// What the parts of an open stream share.
class Session {
 public:
  /// Connects and reads the control message. Throws as Engine::open().
  Session(Address address, const OpenOptions& options, const Clock& clock);

  [[nodiscard]] JetStream& js() { return js_; }
  [[nodiscard]] const Names& names() const { return names_; }
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] const std::string& uuid() const { return state_.control.uuid; }
  /// For one call of the seam: the timeout of OpenOptions.
  [[nodiscard]] Patience patience() const { return patience(timeout_); }
  [[nodiscard]] Patience patience(Duration timeout) const { return {clock_, timeout, &outage_}; }
  [[nodiscard]] Outage& outage() { return outage_; }

  /// The control message as it was last read.
  [[nodiscard]] const Control& control() const { return state_.control; }
  [[nodiscard]] std::uint64_t control_sequence() const { return state_.sequence; }
  /// Reads it from the leader, but never an older one than it has. A reshard that somebody has begun is left as it is.
  /// Throws not_found if the stream was
  /// removed, or another one has its name.
  const Control& refresh(Patience patience);
  /// Changes it: reads, calls `change` and replaces, again if somebody else was faster, until it is done or `change`
  /// returns false. Returns whether it is done. Throws as refresh(), and what `change` throws.
  bool change(Patience patience, const std::function<bool(Control&)>& change);

  [[nodiscard]] bool writes() const { return access_ == Access::write; }
  /// Throws permission unless the stream is open for writing.
  void require_writable() const;

  /// For messages: "stream 'nats:orders': read its shard map".
  [[nodiscard]] std::string what(std::string_view doing) const;

 private:
  bool accept(std::optional<KeptMessage> message);

  Address address_;
  const Clock& clock_;
  Duration timeout_;
  Access access_;
  mutable Outage outage_;  ///< patience() of a constant session tells it too
  Connection connection_;
  JetStream js_;
  std::string message_;  ///< what state_ was read from; empty if this process wrote it
  ControlAt state_;
  Names names_;
};

}  // namespace shardlog::nats
