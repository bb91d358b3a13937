#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shardlog::cli {

/// A piece of a template: text, or a field of each record.
struct TemplatePart {
  enum class Field { text, data, data_json, data_base64, key, key_json, shard, sequence, time, time_local, date, hash };

  Field field;
  std::string text{};  ///< of Field::text only

  friend bool operator==(const TemplatePart&, const TemplatePart&) = default;
};

/// Parses fields between braces, as {data} or {data:json}; {{ and }} are braces, and \n \t \r \0 \\ \xHH are escapes.
/// Throws usage, with a list of the fields, if a field is unknown or a brace has no counterpart.
std::vector<TemplatePart> parse_template(std::string_view text);

}  // namespace shardlog::cli
