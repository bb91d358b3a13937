#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Base64 as in RFC 4648, section 4.
namespace shardlog::cli {

/// Appends `bytes` in base64.
void append_base64(std::string& to, std::string_view bytes);

/// Decodes `text`, which is shorter than 2 GiB, into `to`, which has room for text.size() / 4 * 3 bytes. Returns how
/// many bytes it was; nullopt if the text has anything that an encoder does not write: white space, too little padding,
/// or bits that are left over.
std::optional<std::size_t> decode_base64(std::string_view text, char* to);

}  // namespace shardlog::cli
