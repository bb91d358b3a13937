#include "tools/stream-serve/wire/json_in.h"

#include <simdjson.h>

#include <new>

namespace shardlog::serve::wire {

namespace {

namespace dom = simdjson::dom;

constexpr std::size_t most_levels = 64;

/// Recursion is bounded: the parser has refused deeper texts.
Value value_of(const dom::element& element) {  // NOLINT(misc-no-recursion)
  Value value;
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
      for (const dom::element& item : dom::array(element)) value.items.push_back(value_of(item));
      break;
    case dom::element_type::OBJECT:
      value.kind = Value::Kind::structure;
      for (const auto& [name, member] : dom::object(element)) value.members.emplace_back(name, value_of(member));
      break;
  }
  return value;
}

}  // namespace

std::optional<Document> read_json(std::string_view text) {
  const auto parser = std::make_shared<dom::parser>();
  auto error = parser->allocate(text.size(), most_levels);
  dom::element root;
  if (!error) error = parser->parse(text.data(), text.size()).get(root);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  if (error) return std::nullopt;
  return Document{value_of(root), parser, {}};
}

}  // namespace shardlog::serve::wire
