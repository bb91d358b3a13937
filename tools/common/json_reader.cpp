#include "tools/common/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "shardlog/core/error.h"
#include "tools/common/scan.h"

namespace shardlog::cli {

static_assert(json_padding >= simdjson::SIMDJSON_PADDING);

namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t most_nested = 1024;
constexpr std::size_t least_capacity = 64UL * 1024;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

[[noreturn]] void refuse(const char* reason) {
  throw Error(ErrorCode::malformed, reason);
}

/// RFC 8259, section 6. simdjson checks numbers only as it converts them, and these may be larger than its types.
bool is_number(std::string_view text) {
  take(text, "-");
  const std::string_view whole = take_while(text, is_digit);
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return false;
  if (take(text, ".") && take_while(text, is_digit).empty()) return false;
  if (take(text, "e") || take(text, "E")) {
    if (!take(text, "+")) take(text, "-");
    if (take_while(text, is_digit).empty()) return false;
  }
  return text.empty();
}

enum class Escapes { paired, unpaired, invalid };

/// A high surrogate (D800 to DBFF) and a low one (DC00 to DFFF) that follows it are a pair.
Escapes escapes_of(std::string_view raw) {
  Escapes result = Escapes::paired;
  bool high = false;  // whether the escape that ends here is a high surrogate
  while (!raw.empty()) {
    bool low = false;
    const bool was_high = std::exchange(high, false);
    if (!take(raw, "\\")) {
      raw.remove_prefix(std::min(raw.find('\\'), raw.size()));
    } else if (take(raw, "u")) {
      const auto unit = take_hexadecimal(raw, 4);
      if (!unit) return Escapes::invalid;
      high = *unit >= 0xd800 && *unit < 0xdc00;
      low = *unit >= 0xdc00 && *unit < 0xe000;
    } else {
      constexpr std::string_view escaped = "\"\\/bfnrt";
      if (raw.empty() || escaped.find(raw.front()) == std::string_view::npos) return Escapes::invalid;
      raw.remove_prefix(1);
    }
    if (was_high != low) result = Escapes::unpaired;
  }
  return high ? Escapes::unpaired : result;
}

/// The string after its opening quote, without the closing one. simdjson has checked that there is one.
std::string_view string_at(const char* start) {
  const char* end = start;
  while (*end != '"') end += *end == '\\' ? 2 : 1;
  return {start, static_cast<std::size_t>(end - start)};
}

JsonValue::Kind kind_of(std::string_view token) {
  if (token == "true" || token == "false") return JsonValue::Kind::boolean;
  if (token == "null") return JsonValue::Kind::null;
  if (!is_number(token)) refuse("not valid JSON");
  return JsonValue::Kind::number;
}

}  // namespace

/// Visits every value of a text, because simdjson checks only what is looked at.
class JsonReader::Walk {
 public:
  explicit Walk(std::vector<JsonPointer> wanted) : wanted_(std::move(wanted)), found_(wanted_.size()) {}

  std::span<const std::optional<JsonValue>> read(std::string_view text) {
    std::fill(found_.begin(), found_.end(), std::nullopt);
    try {
      read_document(text);
    } catch (const simdjson::simdjson_error& error) {
      if (error.error() == simdjson::MEMALLOC) throw std::bad_alloc();
      refuse(error.error() == simdjson::UTF8_ERROR ? "not valid UTF-8" : "not valid JSON");
    }
    return found_;
  }

 private:
  using Wanted = std::uint64_t;  ///< a bit for each pointer

  void read_document(std::string_view text) {
    if (parser_.capacity() < text.size()) {
      const auto failed = parser_.allocate(std::max(least_capacity, 2 * text.size()));
      if (failed != simdjson::SUCCESS) throw simdjson::simdjson_error(failed);
    }
    ondemand::document document = parser_.iterate(text.data(), text.size(), text.size() + json_padding);
    const bool scalar = document.is_scalar();
    const std::string_view token = document.raw_json_token();
    visit(document, 0, (Wanted{1} << wanted_.size()) - 1);
    const bool all = scalar ? token.data() + token.size() == text.data() + text.size()
                            : document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    if (!all) refuse("more than one JSON value");
  }

  template <typename Value>
  void visit(Value& value, std::size_t depth, Wanted wanted) {
    if (depth > most_nested) refuse("JSON nested too deeply");
    const ondemand::json_type type = value.type();
    switch (type) {
      case ondemand::json_type::object: {
        note(depth, wanted, {JsonValue::Kind::object});
        ondemand::object object = value.get_object();
        for (auto field : object) {
          const Wanted beyond = through_member(depth, wanted, field);
          ondemand::value part = field.value();
          visit(part, depth + 1, beyond);
        }
        return;
      }
      case ondemand::json_type::array: {
        note(depth, wanted, {JsonValue::Kind::array});
        ondemand::array array = value.get_array();
        std::size_t index = 0;
        for (auto element : array) {
          ondemand::value part = element.value();
          visit(part, depth + 1, wanted == 0 ? 0 : through(depth, wanted, std::to_string(index++)));
        }
        return;
      }
      default:
        visit_scalar(value, depth, wanted);
    }
  }

  template <typename Value>
  void visit_scalar(Value& value, std::size_t depth, Wanted wanted) {
    std::string_view token = value.raw_json_token();
    while (!token.empty() && is_blank(token.back())) token.remove_suffix(1);
    if (!token.starts_with('"')) {
      note(depth, wanted, {kind_of(token), token, token});
      return;
    }
    if (token.size() < 2 || !token.ends_with('"')) refuse("not valid JSON");
    const std::string_view raw = token.substr(1, token.size() - 2);
    if (raw.find('\\') == std::string_view::npos) {
      note(depth, wanted, {JsonValue::Kind::string, raw, raw});
      return;
    }
    const Escapes escapes = escapes_of(raw);
    if (escapes == Escapes::invalid) refuse("not valid JSON");
    if (wanted == 0) return;
    if (escapes == Escapes::unpaired) {
      note(depth, wanted, {JsonValue::Kind::unpaired, raw});
    } else {
      note(depth, wanted, {JsonValue::Kind::string, raw, value.get_string()});
    }
  }

  /// The wanted pointers that lead through this member of an object at this depth.
  template <typename Field>
  Wanted through_member(std::size_t depth, Wanted wanted, Field& field) {
    const ondemand::raw_json_string raw = field.key();
    std::string_view name;
    const auto failed = field.unescaped_key().get(name);
    if (failed == simdjson::SUCCESS) return through(depth, wanted, name);
    if (failed != simdjson::STRING_ERROR || escapes_of(string_at(raw.raw())) == Escapes::invalid) {
      throw simdjson::simdjson_error(failed);
    }
    return 0;  // half of a surrogate pair, which no pointer has
  }

  /// The wanted pointers that lead through the member `name` of a value at this depth.
  Wanted through(std::size_t depth, Wanted wanted, std::string_view name) {
    Wanted result = 0;
    for (std::size_t i = 0; wanted >> i != 0; ++i) {
      if ((wanted >> i & 1U) == 0 || wanted_[i].size() <= depth || wanted_[i][depth] != name) continue;
      found_[i].reset();  // from an earlier member of the same name
      result |= Wanted{1} << i;
    }
    return result;
  }

  void note(std::size_t depth, Wanted wanted, const JsonValue& value) {
    for (std::size_t i = 0; wanted >> i != 0; ++i) {
      if ((wanted >> i & 1U) != 0 && wanted_[i].size() == depth) found_[i] = value;
    }
  }

  ondemand::parser parser_;
  std::vector<JsonPointer> wanted_;
  std::vector<std::optional<JsonValue>> found_;
};

std::optional<JsonPointer> parse_json_pointer(std::string_view text) {
  JsonPointer pointer;
  while (!text.empty()) {
    if (take(text, "/")) {
      pointer.emplace_back();
      continue;
    }
    if (pointer.empty()) return std::nullopt;
    if (take(text, "~0")) {
      pointer.back() += '~';
    } else if (take(text, "~1")) {
      pointer.back() += '/';
    } else if (text.starts_with('~')) {
      return std::nullopt;
    } else {
      pointer.back() += take_first(text, 1);
    }
  }
  return pointer;
}

JsonReader::JsonReader(std::vector<JsonPointer> wanted) : walk_(std::make_unique<Walk>(std::move(wanted))) {}
JsonReader::~JsonReader() = default;

std::span<const std::optional<JsonValue>> JsonReader::read(std::string_view text) {
  return walk_->read(text);
}

}  // namespace shardlog::cli
