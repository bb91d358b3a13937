#include "tools/stream-serve/api/tags.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace shardlog::serve::api {

namespace {

/// Letters and digits of any language, white space, and these signs.
bool has_valid_characters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || byte >= 0x80;
    return is_letter || std::string_view(" \t_./=+-:@").find(c) != std::string_view::npos;
  });
}

}  // namespace

ValueChanges tags_in(const wire::Value& input) {
  ValueChanges tags;
  if (const wire::Value* const member = input.find("Tags")) {
    for (const auto& [key, value] : member->members) tags[std::string(key)] = std::string(value.text);
  }
  return tags;
}

Check check_characters(const ValueChanges& changes) {
  const bool are_valid = std::all_of(changes.begin(), changes.end(), [](const auto& change) {
    return has_valid_characters(change.first) && has_valid_characters(change.second.value_or(""));
  });
  if (are_valid) return std::nullopt;
  return Refusal{
      invalid_argument,
      "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + "
      "- : @."};
}

}  // namespace shardlog::serve::api
