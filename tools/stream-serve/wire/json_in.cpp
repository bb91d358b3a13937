#include "tools/stream-serve/wire/json_in.h"

#include <simdjson.h>

#include <new>
#include <utility>

namespace shardlog::serve::wire {

namespace {

namespace dom = simdjson::dom;

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
      for (const dom::element& item : dom::array(element)) {
        if (left == 0) break;
        value.items.push_back(value_of(item, left));
      }
      break;
    case dom::element_type::OBJECT:
      value.kind = Value::Kind::structure;
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
  const auto parser = std::make_shared<dom::parser>();
  auto error = parser->allocate(text.size(), most_levels);
  dom::element root;
  if (!error) error = parser->parse(text.data(), text.size()).get(root);
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  if (error) return std::nullopt;
  std::size_t left = most_values;
  Document document{value_of(root, left), parser, {}};
  return left > 0 ? std::optional(std::move(document)) : std::nullopt;
}

}  // namespace shardlog::serve::wire
