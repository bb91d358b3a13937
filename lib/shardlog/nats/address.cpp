#include "shardlog/nats/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"

/// No message may show a user, a password or a token: a text that may hold a part of one is not quoted.
namespace shardlog::nats {

namespace {

constexpr std::string_view default_url = "nats://127.0.0.1:4222";
constexpr std::string_view default_port = "4222";
constexpr std::array<std::string_view, 2> schemes{"nats://", "tls://"};

[[noreturn]] void refuse_address(const std::string& reason) {
  throw Error(ErrorCode::usage, "nats address: " + reason);
}

/// `text` for a message. A '@' means that a part of a password may have come here, because a '/' or '?' in it was not
/// encoded.
std::string shown(std::string_view text) {
  return text.find('@') == std::string_view::npos ? quote(text) : "(a text with @ in it)";
}

std::string decode(std::string_view text, const char* what) {
  constexpr int hexadecimal = 16;
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    const auto byte =
        at + 2 < text.size() ? parse_number<unsigned char>(text.substr(at + 1, 2), hexadecimal) : std::nullopt;
    if (!byte || *byte == 0) refuse_address(fmt::format("{}: write % as %25, and no byte as %00", what));
    decoded += static_cast<char>(*byte);
    at += 2;
  }
  if (decoded.empty()) refuse_address(fmt::format("{} is empty", what));
  return decoded;
}

bool is_name(std::string_view text) {
  constexpr std::size_t longest = 64;
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, is_allowed);
}

std::string name_of(std::string_view text) {
  if (!is_name(text)) {
    refuse_address(
        fmt::format("{} is not a name of a stream: 1 to 64 characters of a-z A-Z 0-9 _ and -, as in nats:NAME or "
                    "nats://HOST:PORT/NAME",
                    shown(text)));
  }
  return std::string(text);
}

void read_identity(std::string_view text, Servers& servers) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    servers.token = decode(text, "the token");
  } else {
    servers.user = decode(text.substr(0, colon), "the user");
    servers.password = decode(text.substr(colon + 1), "the password");
  }
}

/// "host", "host:port" or "[::1]:port" as host and port.
std::pair<std::string_view, std::string_view> host_and_port(std::string_view text) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) refuse_address("an IPv6 address ends with ']'");
  const std::size_t colon = text.find(':', bracket);
  if (colon == std::string_view::npos) return {text, default_port};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string url_of(std::string_view scheme, std::string_view text) {
  const auto [host, port] = host_and_port(text);
  const bool is_plain = host.find_first_of(" \t@%#\\") == std::string_view::npos;
  if (host.empty() || !is_plain) refuse_address("a host is empty or has a character that hosts do not have");
  const auto number = parse_number<std::uint16_t>(port);
  if (!number || *number == 0) refuse_address("a port is a number from 1 to 65535, as in nats://HOST:4222/NAME");
  return fmt::format("{}{}:{}", scheme, host, *number);
}

/// Takes a scheme off the start of `text`.
std::optional<std::string_view> take_scheme(std::string_view& text) {
  const auto* const found = std::ranges::find_if(schemes, [&](auto scheme) { return text.starts_with(scheme); });
  if (found == schemes.end()) return std::nullopt;
  text.remove_prefix(found->size());
  return *found;
}

/// Takes "[user:password@|token@]host:port,host:port" off the start of `text`, and a '/' after it. Each host but the
/// first may have a scheme, as in lists of servers for other clients.
void take_hosts(std::string_view scheme, std::string_view& text, Servers& servers) {
  for (bool is_first = true, more = true; more; is_first = false) {
    const auto own_scheme = is_first ? std::nullopt : take_scheme(text);
    std::string_view host = text.substr(0, text.find_first_of(",/"));
    more = text.substr(host.size()).starts_with(',');
    text.remove_prefix(std::min(text.size(), host.size() + 1));
    if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) {
      if (!is_first)
        refuse_address("user and password, or the token, go before the first host, and are for all of them");
      read_identity(host.substr(0, at), servers);
      host.remove_prefix(at + 1);
    }
    servers.urls.push_back(url_of(own_scheme.value_or(scheme), host));
  }
}

Duration duration_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Duration>, 4> units{{{"ms", std::chrono::milliseconds(1)},
                                                                        {"s", std::chrono::seconds(1)},
                                                                        {"m", std::chrono::minutes(1)},
                                                                        {"h", std::chrono::hours(1)}}};
  constexpr Duration least = std::chrono::milliseconds(100);
  constexpr Duration most = std::chrono::hours(24);
  const std::size_t digits = std::min(text.size(), text.find_first_not_of("0123456789"));
  const auto number = parse_number<std::uint32_t>(text.substr(0, digits));
  const auto* const unit = std::ranges::find(units, text.substr(digits), &decltype(units)::value_type::first);
  const bool is_one = number && unit != units.end();
  const Duration duration = is_one ? std::int64_t{*number} * unit->second : Duration(0);
  if (duration < least || duration > most) {
    refuse_address("duplicate-window is a duration from 100ms to 24h: a number and ms, s, m or h, as in 2m");
  }
  return duration;
}

int replicas_of(std::string_view text) {
  constexpr int most = 5;  // JetStream's
  const auto number = parse_number<int>(text);
  if (!number || *number < 1 || *number > most) refuse_address("replicas is a number from 1 to 5");
  return *number;
}

void read_option(std::string_view name, std::string_view value, Address& address) {
  const auto text = [&] { return decode(value, std::string(name).c_str()); };
  if (name == "creds") {
    address.servers.credentials = text();
  } else if (name == "ca") {
    address.servers.ca = text();
  } else if (name == "cert") {
    address.servers.certificate = text();
  } else if (name == "key") {
    address.servers.key = text();
  } else if (name == "replicas") {
    address.replicas = replicas_of(text());
  } else if (name == "duplicate-window") {
    address.duplicate_window = duration_of(text());
  } else {
    refuse_address(shown(name) + " is not an option: use creds, ca, cert, key, replicas or duplicate-window");
  }
}

void read_options(std::string_view text, Address& address) {
  std::set<std::string_view> seen;
  for (bool more = true; more;) {
    const std::string_view option = text.substr(0, text.find('&'));
    more = option.size() < text.size();
    text.remove_prefix(option.size() + (more ? 1 : 0));
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    if (equals == std::string_view::npos) refuse_address(shown(name) + " has no value: write ?OPTION=VALUE");
    if (!seen.insert(name).second) refuse_address(shown(name) + " is given twice");
    read_option(name, option.substr(equals + 1), address);
  }
  if (address.servers.certificate.empty() != address.servers.key.empty())
    refuse_address("cert and key need each other");
}

}  // namespace

Address parse_address(std::string_view text) {
  constexpr std::string_view short_prefix = "nats:";
  Address address;
  std::string_view left = text.substr(0, text.find('?'));
  if (const auto scheme = take_scheme(left)) {
    take_hosts(*scheme, left, address.servers);
  } else if (left.starts_with(short_prefix)) {
    left.remove_prefix(short_prefix.size());
    address.servers.urls.emplace_back(default_url);
  } else {
    refuse_address("it begins with nats:, nats:// or tls://");
  }
  if (!left.empty()) address.stream = name_of(left);
  if (const std::size_t options = text.find('?'); options != std::string_view::npos) {
    read_options(text.substr(options + 1), address);
  }
  return address;
}

}  // namespace shardlog::nats
