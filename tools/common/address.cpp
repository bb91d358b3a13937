#include "tools/common/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace shardlog::cli {

namespace {

constexpr std::string_view nats = "nats:";

/// Set, and not to nothing.
std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread changes it
  return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
}

/// Without its last slashes.
std::string_view stripped(std::string_view text) {
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return text;
}

/// Where the options of an address of servers begin, or its end.
std::size_t end_of_name(std::string_view address) {
  return is_of_servers(address) ? std::min(address.find('?'), address.size()) : address.size();
}

/// Where the servers of "nats://..." begin; nullopt of any other address.
std::optional<std::size_t> start_of_servers(std::string_view address) {
  const std::size_t at = address.find("://");
  if (!is_of_servers(address) || at == std::string_view::npos || at > end_of_name(address)) return std::nullopt;
  return at + 3;
}

/// For the part of an address that is before a host, or a value after it (RFC 3986, "unreserved").
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

/// "user:password@" or "token@"; empty if the environment says neither. As for the program nats, a user without a
/// password is a token.
std::string identity() {
  const auto user = variable("NATS_USER");
  const auto password = variable("NATS_PASSWORD");
  if (user && password) return percent_encoded(*user) + ":" + percent_encoded(*password) + "@";
  const auto token = user ? user : variable("NATS_TOKEN");
  return token ? percent_encoded(*token) + "@" : "";
}

/// "nats://user:password@host:port,host:port"
std::string servers() {
  std::string servers = variable("NATS_URL").value_or("nats://127.0.0.1:4222");
  servers = stripped(servers);
  if (servers.find("://") == std::string::npos) servers = "nats://" + servers;
  if (servers.find('@') == std::string::npos) servers.insert(servers.find("://") + 3, identity());
  return servers;
}

std::string options_of_environment() {
  constexpr std::array<std::pair<const char*, const char*>, 4> options{
      {{"creds", "NATS_CREDS"}, {"ca", "NATS_CA"}, {"cert", "NATS_CERT"}, {"key", "NATS_KEY"}}};
  std::string text;
  for (const auto& [option, name] : options) {
    if (const auto value = variable(name)) text += fmt::format("&{}={}", option, percent_encoded(*value));
  }
  return text;
}

}  // namespace

std::optional<std::string> stream_directory() {
  return variable("STREAM_DIR");
}

bool is_of_servers(std::string_view stream) {
  return stream.starts_with(nats) || stream.starts_with("tls://");
}

std::string address_of(const std::string& stream) {
  const bool bare = !stream.empty() && stream.find_first_of("/:") == std::string::npos;
  const auto directory = stream_directory();
  return bare && directory ? address_below(*directory, stream) : std::string(stripped(stream));
}

std::string shown_name(const std::string& stream) {
  std::string shown(stripped(stream));
  const auto start = start_of_servers(shown);
  const std::size_t at = shown.rfind('@');
  if (start && at != std::string::npos && at > *start) shown.erase(*start, at + 1 - *start);
  return shown;
}

std::string address_below(std::string_view directory, const std::string& name) {
  const std::size_t end = end_of_name(directory);
  std::string place(directory.substr(0, end));
  while (is_of_servers(directory) && place.ends_with('/')) place.pop_back();
  const char* const between = place.ends_with(':') ? "" : "/";
  return place + between + name + std::string(directory.substr(end));
}

std::string name_in(std::string_view address) {
  address = address.substr(0, end_of_name(address));
  if (const auto start = start_of_servers(address)) {
    const std::size_t slash = address.find('/', *start);
    return slash == std::string_view::npos ? "" : std::string(address.substr(address.rfind('/') + 1));
  }
  return std::string(address.substr(address.find_last_of(is_of_servers(address) ? "/:" : "/") + 1));
}

std::string with_servers(const std::string& address) {
  if (!address.starts_with(nats) || start_of_servers(address)) return address;
  const std::size_t end = end_of_name(address);
  const std::string name = address.substr(nats.size(), end - nats.size());
  std::string options = options_of_environment() + (end < address.size() ? "&" + address.substr(end + 1) : "");
  if (!options.empty()) options.front() = '?';
  return servers() + "/" + name + options;
}

}  // namespace shardlog::cli
