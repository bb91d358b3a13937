#include "tools/stream-serve/http/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "shardlog/core/numbers.h"
#include "tools/stream-serve/http/message.h"

namespace shardlog::serve::http {

namespace {

constexpr int backlog = 1024;

std::optional<in_addr> ipv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ? std::optional(address) : std::nullopt;
}

std::optional<in6_addr> ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1 ? std::optional(address) : std::nullopt;
}

/// A socket's address, of either family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

template <typename Kind>
SocketAddress socket_address(const Kind& kind) {
  SocketAddress address;
  address.size = sizeof kind;
  std::memcpy(&address.storage, &kind, sizeof kind);
  return address;
}

SocketAddress socket_address(const Address& address) {
  if (const auto host = ipv6(address.host)) {
    sockaddr_in6 of_ipv6{};
    of_ipv6.sin6_family = AF_INET6;
    of_ipv6.sin6_port = htons(address.port);
    of_ipv6.sin6_addr = *host;
    return socket_address(of_ipv6);
  }
  sockaddr_in of_ipv4{};
  of_ipv4.sin_family = AF_INET;
  of_ipv4.sin_port = htons(address.port);
  of_ipv4.sin_addr = ipv4(address.host).value_or(in_addr{htonl(INADDR_LOOPBACK)});
  return socket_address(of_ipv4);
}

}  // namespace

Address parse_address(const std::string& text, Reach reach) {
  const std::size_t colon = text.rfind(':');
  const std::string shown = quote(text);
  const auto port = colon == std::string::npos ? std::nullopt : parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) throw Error(ErrorCode::usage, fmt::format("--listen {}: not HOST:PORT, such as 127.0.0.1:4567", shown));
  std::string host = host_of(std::string_view(text).substr(0, colon));
  if (reach == Reach::this_machine && !is_loopback(host)) {
    throw Error(ErrorCode::usage,
                fmt::format("--listen {}: the host must be 127.0.0.1, [::1] or localhost, because everyone who can "
                            "connect can read and change the streams; or add --credentials",
                            shown));
  }
  if (!is_loopback(host) && !is_address(host)) {
    throw Error(ErrorCode::usage, fmt::format("--listen {}: the host must be an address or localhost", shown));
  }
  if (host == "localhost") host = "127.0.0.1";
  return {std::move(host), *port};
}

bool is_loopback(std::string_view host) {
  const std::string text(host);
  if (text == "localhost") return true;
  if (const auto address = ipv4(text)) return (ntohl(address->s_addr) >> 24) == 127;
  const auto address = ipv6(text);
  return address && std::memcmp(&*address, &in6addr_loopback, sizeof *address) == 0;
}

bool is_address(const std::string& host) {
  return ipv4(host) || ipv6(host);
}

std::string host_of(std::string_view header) {
  if (header.starts_with('[')) {
    const std::size_t end = header.find(']');
    if (end == std::string_view::npos) return "";
    const std::string_view rest = header.substr(end + 1);
    return rest.empty() || rest.front() == ':' ? in_lower_case(header.substr(1, end - 1)) : "";
  }
  return in_lower_case(header.substr(0, header.find(':')));
}

cli::Descriptor listen_at(const Address& address) {
  SocketAddress at = socket_address(address);
  const std::string what = fmt::format("listen at {}:{}", address.host, address.port);
  cli::Descriptor listening(::socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listening.is_open()) throw system_error(what, errno);
  const int on = 1;
  if (::setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(listening.get(), at.get(), at.size) != 0 || ::listen(listening.get(), backlog) != 0) {
    throw system_error(what, errno);
  }
  return listening;
}

std::string url_of(const cli::Descriptor& listening) {
  SocketAddress at;
  if (::getsockname(listening.get(), at.get(), &at.size) != 0) throw system_error("read the address", errno);
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (at.storage.ss_family == AF_INET6) {
    sockaddr_in6 of_ipv6{};
    std::memcpy(&of_ipv6, &at.storage, sizeof of_ipv6);
    ::inet_ntop(AF_INET6, &of_ipv6.sin6_addr, host.data(), host.size());
    return fmt::format("http://[{}]:{}", host.data(), ntohs(of_ipv6.sin6_port));
  }
  sockaddr_in of_ipv4{};
  std::memcpy(&of_ipv4, &at.storage, sizeof of_ipv4);
  ::inet_ntop(AF_INET, &of_ipv4.sin_addr, host.data(), host.size());
  return fmt::format("http://{}:{}", host.data(), ntohs(of_ipv4.sin_port));
}

}  // namespace shardlog::serve::http
