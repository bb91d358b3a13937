#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/common/descriptor.h"

namespace shardlog::serve::http {

/// Where a server listens.
struct Address {
  std::string host;    ///< 127.0.0.1, or ::1 without brackets
  std::uint16_t port;  ///< 0: any that is free
};

/// Who can reach an address.
enum class Reach { this_machine, everyone };

/// Reads "127.0.0.1:4567", "[::1]:4567" or "localhost:4567". Throws usage if it is anything else, or if more can reach
/// it than shall.
Address parse_address(const std::string& text, Reach reach = Reach::this_machine);

/// Whether it is a name of this machine itself: localhost, 127.x.y.z or ::1, without a port.
bool is_loopback(std::string_view host);

/// Whether it is an address of IPv4, or of IPv6 without brackets, and not a name.
bool is_address(const std::string& host);

/// The host of a Host header: without its port, an IPv6 address without its brackets, in lower case. Empty if the
/// brackets do not fit.
std::string host_of(std::string_view header);

/// Listens. Throws like system_error().
cli::Descriptor listen_at(const Address& address);

/// The URL of a socket that listens: "http://127.0.0.1:4567". Throws like system_error().
std::string url_of(const cli::Descriptor& listening);

}  // namespace shardlog::serve::http
