#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shardlog::cli {

/// A JSON pointer (RFC 6901): the names and indexes that lead from a whole JSON text to a part of it. An empty one
/// leads to the whole.
using JsonPointer = std::vector<std::string>;

/// nullopt if `text` begins with anything but a slash, or has a ~ that is not part of ~0 or ~1. An empty `text` is a
/// valid pointer.
std::optional<JsonPointer> parse_json_pointer(std::string_view text);

/// If a JSON text is read in place, this many bytes after it must be readable. Their values do not matter.
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
  std::string_view raw{};   ///< as it stands in the text, a string without the quotes; empty for an object or array
  std::string_view text{};  ///< of a string, with its escapes decoded; else the same as `raw`; empty if unpaired
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

  /// The value that each pointer leads to, if there is one; if several members have one name, the last counts. The
  /// values borrow from `text`, and from this object until the next read(). Throws malformed if the text is not one
  /// JSON value. REQUIRES: json_padding readable bytes after `text`
  std::span<const std::optional<JsonValue>> read(std::string_view text);

 private:
  class Walk;
  std::unique_ptr<Walk> walk_;
};

}  // namespace shardlog::cli
