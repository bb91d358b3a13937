#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/clock.h"

namespace shardlog::nats {

/// Servers, and how to present oneself to them. Empty texts are absent.
struct Servers {
  std::vector<std::string> urls{};  ///< nats://host:port or tls://host:port
  std::string user{};
  std::string password{};
  std::string token{};
  std::string credentials{};  ///< path of a file with a JWT and a seed (NATS, "creds file")
  std::string ca{};           ///< path of the certificates to trust; makes the connection TLS
  std::string certificate{};  ///< path of the client's own
  std::string key{};          ///< path of its key

  friend bool operator==(const Servers&, const Servers&) = default;
};

/// What an address says: "nats:NAME" or "nats://[user:password@|token@]host:port,host:port/NAME?creds=FILE&ca=FILE&
/// cert=FILE&key=FILE&replicas=N&duplicate-window=DURATION".
struct Address {
  Servers servers{};
  std::string stream{};  ///< empty in the address of all streams of the servers
  int replicas = 3;
  Duration duplicate_window = std::chrono::minutes(2);  ///< shorter ones are for tests

  /// Without what is secret: "nats:NAME".
  [[nodiscard]] std::string to_string() const { return "nats:" + stream; }
};

/// Throws usage. A name has 1 to 64 characters of a-z A-Z 0-9 _ and -.
Address parse_address(std::string_view text);

}  // namespace shardlog::nats
