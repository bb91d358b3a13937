#include "tools/stream-serve/wire/json_in.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

namespace shardlog::serve::wire {

namespace {

namespace dom = simdjson::dom;

/// The quote that ends the string whose text begins at `at`; the end of the text if there is none.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (std::size_t quote = text.find('"', at); quote != std::string_view::npos; quote = text.find('"', quote + 1)) {
    const std::size_t backslashes = quote - 1 - text.find_last_not_of('\\', quote - 1);
    if (backslashes % 2 == 0) return quote;
  }
  return text.size();
}

bool is_sign(char c) {
  return c == ',' || c == ':' || c == '{' || c == '[';
}

/// How many signs there are, those in strings too. A block's are counted in a byte, so that compilers can count those
/// of many bytes at once.
std::size_t count_signs(std::string_view text) {
  std::size_t signs = 0;
  while (!text.empty()) {
    const std::string_view block = text.substr(0, UINT8_MAX);
    std::uint8_t of_block = 0;
    for (const char c : block) of_block = static_cast<std::uint8_t>(of_block + (is_sign(c) ? 1 : 0));
    signs += of_block;
    text.remove_prefix(block.size());
  }
  return signs;
}

/// Whether a text may have at most most_values, as far as can be seen before it is parsed: the parser needs 12 bytes
/// for each sign outside of strings. A value has at most three signs of these: "," and ":" before it, and its bracket.
bool may_be_few(std::string_view text) {
  std::size_t left = 3 * most_values;
  if (count_signs(text) <= left) return true;  // of most texts that is enough to know
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      at = end_of_string(text, at + 1);
    } else if (is_sign(text[at])) {
      if (left-- == 0) return false;
    }
  }
  return true;
}

/// Recursion is bounded: the parser has refused deeper texts. Takes each value from `left`; at 0 the rest is left out.
Value value_of(const dom::element& element, std::size_t& left) {  // NOLINT(misc-no-recursion)
  Value value;
  if (left == 0) return value;
  --left;
  switch (element.type()) {
    case dom::element_type::NULL_VALUE:
      break;
    case dom::element_type::BOOL:
      value.kind = Value::Kind::boolean;
      value.boolean = bool(element);
      break;
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      value.kind = Value::Kind::number;
      value.number = double(element);
      break;
    case dom::element_type::STRING:
      value.kind = Value::Kind::text;
      value.text = std::string_view(element);
      break;
    case dom::element_type::ARRAY:
      value.kind = Value::Kind::list;
      value.items.reserve(std::min(left, dom::array(element).size()));
      for (const dom::element& item : dom::array(element)) {
        if (left == 0) break;
        value.items.push_back(value_of(item, left));
      }
      break;
    case dom::element_type::OBJECT:
      value.kind = Value::Kind::structure;
      value.members.reserve(std::min(left, dom::object(element).size()));
      for (const auto& [name, member] : dom::object(element)) {
        if (left == 0) break;
        value.members.emplace_back(name, value_of(member, left));
      }
      break;
  }
  return value;
}

}  // namespace

std::optional<Document> read_json(std::string_view text) {
  if (!may_be_few(text)) return std::nullopt;
  const auto parser = std::make_shared<dom::parser>();
  auto error = parser->allocate(text.size(), most_levels);
  dom::element root;
  if (!error) error = parser->parse(text.data(), text.size()).get(root);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  if (error) return std::nullopt;
  std::size_t left = most_values;
  Document document{value_of(root, left), parser};
  return left > 0 ? std::optional(std::move(document)) : std::nullopt;
}

}  // namespace shardlog::serve::wire
