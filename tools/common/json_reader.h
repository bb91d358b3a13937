#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tools/common/json_pointer.h"

namespace shardlog::cli {

/// So many bytes must be readable behind a JSON text that is read in place; what they are does not matter.
constexpr std::size_t json_padding = 64;

struct JsonValue {
  enum class Kind {
    string,
    unpaired,  ///< a string that no text is equal to: one of its escapes is half of a surrogate pair
    number,
    boolean,
    null,
    object,
    array
  };

  Kind kind;
  std::string_view raw{};  ///< its place in the text, a string's without the quotes; nothing of an object or array
  std::string_view
      text{};  ///< what it says: a string without escapes, the rest as it stands; nothing of an unpaired one
};

/// Checks JSON texts (RFC 8259) as a whole, and picks values out of them. Half of a surrogate pair is a valid escape
/// (section 8.2), and matters only in a value that is picked out. For one thread at a time.
class JsonReader {
 public:
  /// At most 32 pointers.
  explicit JsonReader(std::vector<JsonPointer> wanted);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  /// The value that each pointer leads to, if there is one; of several members of one name the last. They borrow from
  /// `text`, and from this object until the next read(). Throws malformed where the text is not one JSON value.
  /// REQUIRES: json_padding readable bytes behind `text`
  std::span<const std::optional<JsonValue>> read(std::string_view text);

 private:
  class Walk;
  std::unique_ptr<Walk> walk_;
};

}  // namespace shardlog::cli
