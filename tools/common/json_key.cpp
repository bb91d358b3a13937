#include "tools/common/json_key.h"

#include <simdjson.h>

#include <charconv>
#include <new>
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

}  // namespace

/// simdjson's parser that checks a whole text in one go. What it refuses is left to JsonReader, which also takes
/// numbers larger than its types and halves of surrogate pairs, and says what is wrong with the rest. So are numbers,
/// whose text it does not keep.
class JsonKey::Finder {
 public:
  explicit Finder(JsonPointer pointer) : pointer_(std::move(pointer)), thorough_({pointer_}) {}

  std::optional<Value> read(std::string_view text) {
    dom::element whole;
    const auto failed = parser_.parse(text.data(), text.size(), false).get(whole);
    if (failed == simdjson::MEMALLOC) throw std::bad_alloc();
    if (failed != simdjson::SUCCESS) return read_thoroughly(text);
    std::optional<dom::element> found = whole;
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
  dom::parser parser_;
  JsonReader thorough_;
};

JsonKey::JsonKey(const JsonPointer& pointer) : finder_(std::make_unique<Finder>(pointer)) {}
JsonKey::~JsonKey() = default;

std::optional<JsonKey::Value> JsonKey::read(std::string_view text) {
  return finder_->read(text);
}

}  // namespace shardlog::cli
