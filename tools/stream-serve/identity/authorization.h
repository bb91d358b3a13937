#pragma once

#include <string>
#include <variant>

#include "tools/stream-serve/http/message.h"

namespace shardlog::serve::identity {

/// What a signed request says of itself (AWS Signature Version 4).
struct Authorization {
  std::string region;  ///< of the credential's scope; empty if it has none
};

/// What is missing in a signature.
struct Unsigned {
  std::string_view type;  ///< of the service's error
  std::string message;
};

/// Reads the signature of a request, from its header or its query. It must be there whole; it is not verified.
/// (The messages are those of the service, as mhart/kinesalite has recorded them: index.js.)
std::variant<Authorization, Unsigned> read_authorization(const http::Request& request);

}  // namespace shardlog::serve::identity
