#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shardlog::cli {

/// A piece of a template: a text of its own, or what a field of each record holds.
struct TemplatePart {
  enum class Field { text, data, data_json, data_base64, key, key_json, shard, sequence, time, time_local, date, hash };

  Field field;
  std::string text{};  ///< only of Field::text

  friend bool operator==(const TemplatePart&, const TemplatePart&) = default;
};

/// Fields stand between braces, as {data} or {data:json}; {{ and }} are braces, and \n \t \r \0 \\ \xHH are read.
/// Throws usage, with the fields there are, where a field is unknown or a brace has no other.
std::vector<TemplatePart> parse_template(std::string_view text);

}  // namespace shardlog::cli
