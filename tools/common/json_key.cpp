#include "tools/common/json_key.h"

#include <simdjson.h>

#include <charconv>
#include <functional>
#include <new>
#include <optional>
#include <vector>

namespace shardlog::cli {

static_assert(json_padding >= simdjson::SIMDJSON_PADDING);

namespace {

namespace dom = simdjson::dom;

/// The last member of that name: if several members have one name, the last counts.
std::optional<dom::element> member_of(const dom::object& object, std::string_view name) {
  std::optional<dom::element> found;
  for (const dom::key_value_pair member : object) {
    if (member.key == name) found = member.value;
  }
  return found;
}

std::optional<dom::element> element_of(const dom::array& array, std::string_view index) {
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(index.data(), index.data() + index.size(), number);
  const bool is_index =
      failed == std::errc() && end == index.data() + index.size() && (index.size() == 1 || !index.starts_with('0'));
  if (!is_index) return std::nullopt;
  dom::element element;
  return array.at(number).get(element) == simdjson::SUCCESS ? std::optional(element) : std::nullopt;
}

std::optional<dom::element> part_of(const dom::element& whole, std::string_view name) {
  if (whole.is_object()) return member_of(whole.get_object().value_unsafe(), name);
  if (whole.is_array()) return element_of(whole.get_array().value_unsafe(), name);
  return std::nullopt;
}

/// Lines of which many are parsed at once. That takes three quarters of the time: the parser looks at 64 bytes at a
/// time, and when it begins anew with each line, the last of these are partly empty.
class ParsedLines {
 public:
  /// As JsonKey::expect().
  void expect(std::string_view lines) {
    lines_ = lines;
    parsed_ = {};
  }

  /// The whole of a text that was expected, until the next call; nothing if it has to be parsed by itself.
  std::optional<dom::element> find(std::string_view text) {
    if (!is_part(text, lines_)) return std::nullopt;
    if (!is_part(text, parsed_)) parse_from(text.data());
    const auto place = static_cast<std::size_t>(text.data() - parsed_.data());
    while (document_ != documents_.end() && document_.current_index() < place) ++document_;
    if (!(document_ != documents_.end()) || document_.current_index() != place) return std::nullopt;
    dom::element whole;
    const bool is_valid = (*document_).get(whole) == simdjson::SUCCESS;
    return is_valid && is_all_of(text) ? std::optional(whole) : std::nullopt;
  }

 private:
  static constexpr std::size_t most_at_once = 32UL * 1024;  // with as little as 16 KiB, or with 1 MiB, it takes as long

  static bool is_part(std::string_view text, std::string_view whole) {
    const std::less_equal<const char*> before;
    return !text.empty() && before(whole.data(), text.data()) &&
           before(text.data() + text.size(), whole.data() + whole.size());
  }

  void parse_from(const char* start) {
    const std::string_view rest = lines_.substr(static_cast<std::size_t>(start - lines_.data()));
    const std::size_t end = rest.rfind('\n', most_at_once - 1);
    const bool is_longer = end == std::string_view::npos;  // a line that gains nothing
    parsed_ = rest.substr(0, is_longer ? rest.find('\n') : end);
    const auto failed = parser_.parse_many(parsed_.data(), parsed_.size(), most_at_once).get(documents_);
    if (failed == simdjson::MEMALLOC) throw std::bad_alloc();
    document_ = is_longer ? documents_.end() : documents_.begin();
  }

  /// Whether the current document is this text, no less and no more. The parser cannot tell where a scalar ends.
  [[nodiscard]] bool is_all_of(std::string_view text) const {
    if (text.front() != '{' && text.front() != '[') return false;
    const std::size_t size = document_.source().size();
    return size <= text.size() && text.find_first_not_of(" \t\n\r", size) == std::string_view::npos;
  }

  std::string_view lines_;
  dom::parser parser_;
  std::string_view parsed_;  ///< those of the lines that are in `documents_`
  dom::document_stream documents_;
  dom::document_stream::iterator document_;
};

}  // namespace

/// simdjson's parser that checks a whole text in one go. What it refuses is left to JsonReader, which also takes
/// numbers larger than its types and halves of surrogate pairs, and says what is wrong with the rest. So are numbers,
/// whose text it does not keep.
class JsonKey::Finder {
 public:
  explicit Finder(JsonPointer pointer) : pointer_(std::move(pointer)), thorough_({pointer_}) {}

  void expect(std::string_view lines) { lines_.expect(lines); }

  std::optional<Value> read(std::string_view text) {
    std::optional<dom::element> found = lines_.find(text);
    if (!found) {
      const auto failed = parser_.parse(text.data(), text.size(), false).get(found.emplace());
      if (failed == simdjson::MEMALLOC) throw std::bad_alloc();
      if (failed != simdjson::SUCCESS) return read_thoroughly(text);
    }
    for (auto name = pointer_.begin(); found && name != pointer_.end(); ++name) found = part_of(*found, *name);
    if (!found) return std::nullopt;
    switch (found->type()) {
      case dom::element_type::STRING:
        return Value{JsonValue::Kind::string, found->get_string().value_unsafe()};
      case dom::element_type::OBJECT:
        return Value{JsonValue::Kind::object};
      case dom::element_type::ARRAY:
        return Value{JsonValue::Kind::array};
      case dom::element_type::BOOL:
        return Value{JsonValue::Kind::boolean, found->get_bool().value_unsafe() ? "true" : "false"};
      case dom::element_type::NULL_VALUE:
        return Value{JsonValue::Kind::null, "null"};
      default:
        return read_thoroughly(text);
    }
  }

 private:
  std::optional<Value> read_thoroughly(std::string_view text) {
    const std::optional<JsonValue>& value = thorough_.read(text).front();
    return value ? std::optional(Value{value->kind, value->text}) : std::nullopt;
  }

  JsonPointer pointer_;
  ParsedLines lines_;
  dom::parser parser_;
  JsonReader thorough_;
};

JsonKey::JsonKey(const JsonPointer& pointer) : finder_(std::make_unique<Finder>(pointer)) {}
JsonKey::~JsonKey() = default;

void JsonKey::expect(std::string_view lines) {
  finder_->expect(lines);
}

std::optional<JsonKey::Value> JsonKey::read(std::string_view text) {
  return finder_->read(text);
}

}  // namespace shardlog::cli
