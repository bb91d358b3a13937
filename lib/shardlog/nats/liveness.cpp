#include "shardlog/nats/liveness.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/uuid.h"

namespace shardlog::nats {

namespace {

constexpr char separator = '/';

std::string host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "?";
  std::string text = name.data();
  std::ranges::replace(text, separator, '_');
  return text;
}

}  // namespace

ServerLiveness::ServerLiveness()
    : self_(fmt::format("{}/{}/{}/{}", host(), SystemClock().boot(), ::getpid(), random_hex())) {}

std::string ServerLiveness::describe(const std::string& process) {
  const std::string_view text = process;
  const std::size_t host_end = text.find(separator);
  const std::size_t token = text.rfind(separator);
  if (host_end == std::string_view::npos || token == host_end) return "";
  const std::size_t pid = text.rfind(separator, token - 1);
  if (pid == host_end) return "";
  return fmt::format("pid {} on {}", text.substr(pid + 1, token - pid - 1), text.substr(0, host_end));
}

}  // namespace shardlog::nats
