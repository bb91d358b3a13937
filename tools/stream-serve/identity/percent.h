#pragma once

#include <string>
#include <string_view>

/// Percent-encoding, as signatures need it (RFC 3986).
namespace shardlog::serve::identity {

/// Leaves what is not an escape as it is.
std::string percent_decode(std::string_view text);

/// Leaves the unreserved characters, A-Z a-z 0-9 - . _ ~, as they are, and those of `more`.
std::string percent_encode(std::string_view text, std::string_view more = "");

}  // namespace shardlog::serve::identity
