#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// Appends `text` as a JSON string (RFC 8259). REQUIRES: valid UTF-8
void append_json_string(std::string& to, std::string_view text);

/// The same for any bytes, with U+FFFD for each that does not belong to a character.
void append_json_text(std::string& to, std::string_view text);

/// Appends `bytes` as a JSON string in base64 (RFC 4648, section 4).
void append_json_base64(std::string& to, std::string_view bytes);

template <typename Value>
concept HasText = requires(const Value& value) {
  value.to_string();
};

/// A value as JSON text: null if it is absent, a time as in RFC 3339, a string of any bytes as append_json_text()
/// writes it. What has a to_string(), such as a shard's id, becomes a string.
std::string json(std::string_view text);
std::string json(Timestamp time);
std::string json(std::unsigned_integral auto value) {
  if constexpr (std::same_as<decltype(value), bool>) return value ? "true" : "false";
  return std::to_string(value);
}
std::string json(const HasText auto& value) {
  return json(std::string_view(value.to_string()));
}
template <typename Value>
std::string json(const std::optional<Value>& value) {
  return value ? json(*value) : "null";
}

/// An array of the JSON texts that `write` makes of each element.
template <typename Range, typename Write>
std::string json_array(const Range& range, const Write& write) {
  std::string text;
  for (const auto& each : range) text += (text.empty() ? "" : ",") + write(each);
  return "[" + text + "]";
}

/// The same for elements that json() takes.
template <typename Range>
std::string json_array(const Range& range) {
  return json_array(range, [](const auto& each) { return json(each); });
}

/// An object of names and JSON texts.
std::string json_object(const std::vector<std::pair<std::string, std::string>>& members);

}  // namespace shardlog::cli
