#pragma once

#include <string>

namespace shardlog {

/// 128 random bits, as 32 hexadecimal digits. Throws like system_error().
std::string random_hex();

/// A random UUID: version 4, variant 1 (RFC 9562). Throws like system_error().
std::string make_uuid();

}  // namespace shardlog
