#pragma once

#include <string>
#include <string_view>

namespace shardlog {

/// 128 random bits, as 32 hexadecimal digits. Throws like system_error().
std::string random_hex();

/// A random UUID: version 4, variant 1 (RFC 9562). Throws like system_error().
std::string make_uuid();

/// Puts the dashes into 32 hexadecimal digits.
std::string to_uuid(std::string_view hex);

/// Whether `text` is 8-4-4-4-12 hexadecimal digits in lower case, as make_uuid() writes them.
bool is_uuid(std::string_view text);

}  // namespace shardlog
