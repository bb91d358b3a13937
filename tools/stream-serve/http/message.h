#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP as far as the API needs it. The libraries that speak it are known only in this folder.
namespace shardlog::serve::http {

/// Names are in lower case, in the order of the message. A request over HTTP/2 has its ":authority" here, and the same
/// again as "host".
using Headers = std::vector<std::pair<std::string, std::string>>;

/// Only the letters of ASCII.
inline std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// Takes memory for a large answer before that is made: all that is wanted, or less. Returns how much; 0 if there is
/// none.
using TakeRoom = std::function<std::size_t(std::size_t wanted)>;

struct Request {
  std::string method;
  std::string target;  ///< the path and the query, as they came
  Headers headers{};
  std::string body{};
  TakeRoom take_room{};  ///< empty: there is enough

  void add_header(std::string_view name, std::string_view value) {
    headers.emplace_back(in_lower_case(name), std::string(value));
  }

  /// The value of the first header with this name, which is in lower case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    for (const auto& [each, value] : headers) {
      if (each == name) return value;
    }
    return std::nullopt;
  }
};

class Feed;

struct Response {
  int status = 200;
  Headers headers{};
  std::string body{};
  std::shared_ptr<Feed> feed{};  ///< what comes instead of the body
};

/// Answers a request. Called by several threads at once, and may take its time.
using Handler = std::function<Response(const Request&)>;

/// Looks at a request before its body is read. Returns an answer if the body shall not be read. Must be quick.
using Gate = std::function<std::optional<Response>(const Request&)>;

}  // namespace shardlog::serve::http
