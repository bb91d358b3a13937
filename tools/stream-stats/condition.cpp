#include "tools/stream-stats/condition.h"

#include "tools/common/scan.h"

namespace shardlog::cli {

namespace {

using Relation = Condition::Relation;

std::optional<Relation> take_relation(std::string_view& text) {
  if (take(text, "<=")) return Relation::at_most;
  if (take(text, ">=")) return Relation::at_least;
  if (take(text, "<")) return Relation::less;
  if (take(text, ">")) return Relation::more;
  if (take(text, "==") || take(text, "=")) return Relation::equal;
  return std::nullopt;
}

}  // namespace

std::optional<Condition> parse_condition(std::string_view text) {
  const auto is_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  Condition condition;
  condition.text = text;
  text = without_blanks(text);
  condition.figure = take_while(text, is_name);
  text = without_blanks(text);
  const auto relation = take_relation(text);
  condition.limit = without_blanks(text);
  if (condition.figure.empty() || !relation || condition.limit.empty()) return std::nullopt;
  condition.relation = *relation;
  return condition;
}

}  // namespace shardlog::cli
