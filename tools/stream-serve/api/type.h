#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace shardlog::serve::api {

/// A regular expression of the model, and what it accepts.
struct Pattern {
  std::string_view text;
  bool (*matches)(std::string_view);
};

struct Member;

/// What a member of a request may be.
struct Type {
  enum class Kind { boolean, integer, text, blob, timestamp, list, map, structure };

  Kind kind = Kind::text;
  std::optional<std::int64_t> least{};  ///< of a number, or of a length: characters, bytes, items
  std::optional<std::int64_t> most{};
  const Pattern* pattern = nullptr;
  std::vector<std::string_view> words{};  ///< of an enumeration
  std::vector<Member> members;            ///< of a structure; of a list or map, one: its items or values
  std::int64_t most_of_key = 0;           ///< of a map: the most characters of a key; at least one is needed
};

struct Member {
  std::string_view name;
  Type type;
  bool required = false;
};

}  // namespace shardlog::serve::api
