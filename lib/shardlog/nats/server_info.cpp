#include "shardlog/nats/server_info.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace shardlog::nats {

namespace {

using Steady = std::chrono::steady_clock;

class Socket {
 public:
  explicit Socket(const addrinfo& address)
      : descriptor_(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  [[nodiscard]] int get() const { return descriptor_; }

  /// Whether something can be read (POLLIN) or written (POLLOUT) by then.
  [[nodiscard]] bool wait_for(short events, Steady::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
    pollfd waited{descriptor_, events, 0};
    return ::poll(&waited, 1, static_cast<int>(std::max<std::int64_t>(0, left))) == 1;
  }

 private:
  int descriptor_;
};

/// The host and the port of a URL.
std::pair<std::string, std::string> place_of(const std::string& url) {
  std::string host = url.substr(url.find("://") == std::string::npos ? 0 : url.find("://") + 3);
  const std::size_t colon = host.rfind(':');
  std::string port = colon == std::string::npos ? "4222" : host.substr(colon + 1);
  host.resize(std::min(host.size(), colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, port};
}

std::string first_line(const Socket& socket, Steady::time_point until) {
  constexpr std::size_t most = 64UL * 1024;
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < most && socket.wait_for(POLLIN, until)) {
    std::array<char, 4096> some{};
    const ssize_t got = ::recv(socket.get(), some.data(), some.size(), 0);
    if (got <= 0) break;
    line.append(some.data(), static_cast<std::size_t>(got));
  }
  return line.substr(0, line.find('\n'));
}

}  // namespace

std::string version_of_server(const std::string& url, Duration wait) {
  const auto until = Steady::now() + wait;
  const auto [host, port] = place_of(url);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const Socket socket(*address);
    if (socket.get() < 0) continue;
    if (::connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) continue;
    if (!socket.wait_for(POLLOUT, until)) continue;
    if (std::string version = version_in(first_line(socket, until)); !version.empty()) return version;
  }
  return {};
}

std::string version_in(std::string_view info) {
  constexpr std::string_view prefix = "INFO ";
  if (!info.starts_with(prefix)) return {};
  simdjson::dom::parser parser;
  std::string_view version;
  const simdjson::padded_string text(info.substr(prefix.size()));
  return parser.parse(text)["version"].get(version) == simdjson::SUCCESS ? std::string(version) : std::string();
}

}  // namespace shardlog::nats
