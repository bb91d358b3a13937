// The only file that knows every engine, and the scheme of its addresses.

#include "shardlog/engines.h"

#include <fmt/format.h>

#include <string_view>

#include "shardlog/engine_module.h"
#include "shardlog/sqlite/sqlite_engine.h"

namespace shardlog {

namespace {

/// The text before the colon of "scheme:..."; empty for a path. A path may have a colon after a slash.
std::string_view scheme_of(std::string_view address) {
  const std::size_t colon = address.find(':');
  if (colon == 0 || colon == std::string_view::npos) return {};
  const std::string_view scheme = address.substr(0, colon);
  if (scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") != std::string_view::npos) return {};
  return scheme;
}

/// The address without the user and the password that it may have.
std::string without_secrets(const std::string& address) {
  const std::size_t host = address.find("://");
  const std::size_t at = address.rfind('@', address.find_first_of("/?", host + 3));
  if (host == std::string::npos || at == std::string::npos || at < host) return address;
  return address.substr(0, host + 3) + address.substr(at + 1);
}

}  // namespace

std::unique_ptr<Engine> engine_of(const std::string& address) {
  if (address.empty()) throw Error(ErrorCode::usage, "an empty name is not a stream");
  const auto scheme = scheme_of(address);
  if (scheme.empty()) return std::make_unique<sqlite::SqliteEngine>();
  if (scheme == "nats") return load_engine("nats", "libnats", "stream " + quote(without_secrets(address)));
  throw Error(ErrorCode::usage,
              fmt::format("stream {}: unknown scheme {}{}", quote(address), quote(scheme),
                          address.find('/') == std::string::npos ? "" : " (a path begins with / or ./)"));
}

void create(const std::string& address, const CreateOptions& options, const Clock& clock) {
  engine_of(address)->create(address, options, clock);
}

std::unique_ptr<Stream> open(const std::string& address, const OpenOptions& options, const Clock& clock) {
  return engine_of(address)->open(address, options, clock);
}

std::vector<std::string> list_streams(const std::string& address) {
  return engine_of(address)->list(address);
}

void remove_stream(const std::string& address, const OpenOptions& options, const Clock& clock) {
  engine_of(address)->remove(address, options, clock);
}

}  // namespace shardlog
