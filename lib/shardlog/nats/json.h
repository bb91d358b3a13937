#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"

/// What JetStream's JSON needs beyond numbers and strings.
namespace shardlog::nats {

/// A text as a JSON string, with its quotes.
std::string json_string(std::string_view text);

/// Of a member of a JSON object; the default if it is absent, null or of another type.
std::string_view text_in(const simdjson::dom::element& object, const char* name);
std::uint64_t number_in(const simdjson::dom::element& object, const char* name);

/// Decodes base64 (RFC 4648, section 4, with padding). Throws io.
std::string decode_base64(std::string_view text);

/// A time as Go writes it, "2026-01-31T23:59:59.123456789Z", cut to microseconds; its year 1, which stands for no time,
/// is the epoch. Throws io.
Timestamp parse_time(std::string_view text);

}  // namespace shardlog::nats
