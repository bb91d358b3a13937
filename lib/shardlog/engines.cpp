// The only file that knows every engine, and the scheme of its addresses.

#include "shardlog/engines.h"

#include <fmt/format.h>

#include <algorithm>
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

/// "nats:NAME": without the servers, among which there may be a password.
std::string without_servers(std::string_view address) {
  address.remove_prefix(std::min(address.size(), address.rfind('@') + 1));
  address = address.substr(0, address.find('?'));
  return "nats:" + std::string(address.substr(address.find_last_of("/:") + 1));
}

}  // namespace

std::unique_ptr<Engine> engine_of(const std::string& address) {
  if (address.empty()) throw Error(ErrorCode::usage, "an empty name is not a stream");
  const auto scheme = scheme_of(address);
  if (scheme.empty()) return std::make_unique<sqlite::SqliteEngine>();
  if (scheme == "nats" || scheme == "tls")
    return load_engine("nats", {"NATS", "libnats"}, "stream " + quote(without_servers(address)));
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
