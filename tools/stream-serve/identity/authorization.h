#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "tools/stream-serve/http/message.h"

namespace shardlog::serve::identity {

/// The only one that is verified.
constexpr std::string_view known_algorithm = "AWS4-HMAC-SHA256";

/// What a signed request says of itself (AWS Signature Version 4).
struct Authorization {
  std::string credential;      ///< "ID/20261126/us-east-1/kinesis/aws4_request" if it is right
  std::string signed_headers;  ///< "host;x-amz-date"
  std::string signature;
  std::string date;
  std::optional<std::string> expires{};  ///< seconds; only in a query
  std::string algorithm = std::string(known_algorithm);

  /// Of the credential's scope; empty if it has none.
  [[nodiscard]] std::string region() const;
};

/// What is missing in a signature.
struct Unsigned {
  std::string_view type;  ///< of the service's error
  std::string message;
};

/// Reads the signature of a request, from its header or its query. It must be there whole; verify() verifies it.
/// (The messages are those of the service, as mhart/kinesalite has recorded them: index.js.)
std::variant<Authorization, Unsigned> read_authorization(const http::Request& request);

}  // namespace shardlog::serve::identity
