#include "tools/common/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/utf8.h"
#include "tools/common/scan.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t most_nested = 1024;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

[[noreturn]] void refuse(const char* reason) {
  throw Error(ErrorCode::malformed, reason);
}

/// What ends a number or a name such as true. Asked of every character of these, so without a search.
bool ends_word(char c) {
  switch (c) {
    case ',':
    case ':':
    case '[':
    case ']':
    case '{':
    case '}':
    case '"':
      return true;
    default:
      return is_blank(c);
  }
}

/// RFC 8259, section 6.
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

/// The first quote, backslash or control character; a place at or after `end` if there is none. Reads eight bytes at a
/// time, and so up to seven after `end`. In each difference, the lowest byte that is marked is one that is looked for:
/// only bytes above it can be marked by its borrow.
const char* find_special(const char* at, const char* end) {
  constexpr std::uint64_t each = 0x0101010101010101;
  for (; at < end; at += sizeof(std::uint64_t)) {
    const auto bytes = load<std::uint64_t>(at);
    const auto less = [](std::uint64_t of, std::uint64_t than) { return (of - than * each) & ~of; };
    const std::uint64_t found = less(bytes ^ each * '"', 1) | less(bytes ^ each * '\\', 1) | less(bytes, ' ');
    if ((found & each * 0x80) != 0) return at + std::countr_zero(found & each * 0x80) / 8;
  }
  return at;
}

void append_utf8(std::string& to, std::uint32_t character) {
  const auto append = [&to](std::uint32_t byte) { to += static_cast<char>(byte); };
  const auto append_low = [&](unsigned shift) { append(0x80U | (character >> shift & 0x3fU)); };
  if (character < 0x80) return append(character);
  if (character < 0x800) {
    append(0xc0U | character >> 6);
  } else {
    if (character < 0x10000) {
      append(0xe0U | character >> 12);
    } else {
      append(0xf0U | character >> 18);
      append_low(12);
    }
    append_low(6);
  }
  append_low(0);
}

/// Takes an escape off the start of `raw`, whose escapes are paired, and appends what it stands for.
void append_escaped(std::string& to, std::string_view& raw) {
  constexpr std::string_view letters = "bfnrt";
  constexpr std::string_view controls = "\b\f\n\r\t";
  raw.remove_prefix(1);
  const char letter = take_first(raw, 1).front();
  if (letter != 'u') {
    const std::size_t control = letters.find(letter);
    to += control == std::string_view::npos ? letter : controls[control];
    return;
  }
  std::uint32_t character = take_hexadecimal(raw, 4).value_or(0);
  if (character >= 0xd800 && character < 0xdc00 && take(raw, "\\u")) {
    character = 0x10000 + ((character - 0xd800) << 10) + (take_hexadecimal(raw, 4).value_or(0xdc00) - 0xdc00);
  }
  append_utf8(to, character);
}

JsonValue::Kind kind_of(std::string_view token) {
  if (token == "true" || token == "false") return JsonValue::Kind::boolean;
  if (token == "null") return JsonValue::Kind::null;
  if (!is_number(token)) refuse("not valid JSON");
  return JsonValue::Kind::number;
}

}  // namespace

/// Goes through the text once, from its start to its end. Recursion is bounded by most_nested.
class JsonReader::Walk {
 public:
  explicit Walk(std::vector<JsonPointer> wanted) : wanted_(std::move(wanted)), found_(wanted_.size()) {}

  std::span<const std::optional<JsonValue>> read(std::string_view text) {
    std::fill(found_.begin(), found_.end(), std::nullopt);
    texts_.clear();
    texts_.reserve(text.size());  // so that what was decoded stays where it is
    if (!is_ascii(text) && !simdjson::validate_utf8(text.data(), text.size())) refuse("not valid UTF-8");
    at_ = text.data();
    end_ = at_ + text.size();
    visit(0, (Wanted{1} << wanted_.size()) - 1);
    if (next() != '\0' || at_ != end_) refuse("more than one JSON value");
    return found_;
  }

 private:
  using Wanted = std::uint64_t;  ///< a bit for each pointer

  struct String {
    std::string_view raw;  ///< without the quotes
    Escapes escapes = Escapes::paired;
    bool plain = true;  ///< it has no escapes
  };

  /// The next character that is not a blank; 0 at the end.
  char next() {
    while (at_ != end_ && is_blank(*at_)) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }

  bool take_sign(char sign) {
    if (next() != sign) return false;
    ++at_;
    return true;
  }

  void expect(char sign) {
    if (!take_sign(sign)) refuse("not valid JSON");
  }

  void visit(std::size_t depth, Wanted wanted) {  // NOLINT(misc-no-recursion)
    if (depth > most_nested) refuse("JSON nested too deeply");
    switch (next()) {
      case '{':
        return visit_object(depth, wanted);
      case '[':
        return visit_array(depth, wanted);
      case '"':
        return visit_string(depth, wanted);
      default:
        return visit_word(depth, wanted);
    }
  }

  void visit_object(std::size_t depth, Wanted wanted) {  // NOLINT(misc-no-recursion)
    note(depth, wanted, {JsonValue::Kind::object});
    ++at_;
    if (take_sign('}')) return;
    do {
      const Wanted beyond = through_member(depth, wanted);
      expect(':');
      visit(depth + 1, beyond);
    } while (take_sign(','));
    expect('}');
  }

  void visit_array(std::size_t depth, Wanted wanted) {  // NOLINT(misc-no-recursion)
    note(depth, wanted, {JsonValue::Kind::array});
    ++at_;
    if (take_sign(']')) return;
    std::size_t index = 0;
    do {
      visit(depth + 1, wanted == 0 ? 0 : through(depth, wanted, std::to_string(index++)));
    } while (take_sign(','));
    expect(']');
  }

  void visit_string(std::size_t depth, Wanted wanted) {
    const String string = take_string();
    if (wanted == 0) return;
    if (string.escapes == Escapes::unpaired) {
      note(depth, wanted, {JsonValue::Kind::unpaired, string.raw});
    } else {
      note(depth, wanted, {JsonValue::Kind::string, string.raw, text_of(string)});
    }
  }

  /// A number, true, false or null.
  void visit_word(std::size_t depth, Wanted wanted) {
    const char* const start = at_;
    at_ = std::find_if(at_, end_, ends_word);
    const std::string_view word(start, static_cast<std::size_t>(at_ - start));
    note(depth, wanted, {kind_of(word), word, word});
  }

  String take_string() {
    expect('"');
    const char* const start = at_;
    bool plain = true;
    while (at_ = find_special(at_, end_), at_ < end_ && *at_ == '\\') {
      plain = false;
      at_ += 2;
    }
    if (at_ >= end_ || *at_ != '"') refuse("not valid JSON");
    String string{{start, static_cast<std::size_t>(at_++ - start)}, Escapes::paired, plain};
    if (!plain) string.escapes = escapes_of(string.raw);
    if (string.escapes == Escapes::invalid) refuse("not valid JSON");
    return string;
  }

  /// REQUIRES: its escapes are paired
  std::string_view text_of(const String& string) {
    if (string.plain) return string.raw;
    const std::size_t start = texts_.size();
    for (std::string_view raw = string.raw; !raw.empty();) {
      if (raw.front() == '\\') {
        append_escaped(texts_, raw);
      } else {
        texts_ += take_first(raw, std::min(raw.find('\\'), raw.size()));
      }
    }
    return std::string_view(texts_).substr(start);
  }

  /// The wanted pointers that lead through the member of an object at this depth whose name comes next. No pointer has
  /// half of a surrogate pair.
  Wanted through_member(std::size_t depth, Wanted wanted) {
    const String name = take_string();
    return wanted == 0 || name.escapes == Escapes::unpaired ? 0 : through(depth, wanted, text_of(name));
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

  std::vector<JsonPointer> wanted_;
  std::vector<std::optional<JsonValue>> found_;
  std::string texts_;          ///< strings whose escapes are decoded
  const char* at_ = nullptr;   ///< how far the walk has come
  const char* end_ = nullptr;  ///< of the text
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
