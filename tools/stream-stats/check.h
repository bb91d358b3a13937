#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/named_figures.h"

/// What stream-stats --check asks: "age<30s", "backlog <= 1000".
namespace shardlog::cli {

struct Condition {
  enum class Relation { less, at_most, more, at_least, equal };

  std::string text;  ///< as it was given
  std::string figure;
  Relation relation = Relation::less;
  std::string limit;  ///< what it means depends on the figure
};

/// Nullopt if the text is not a name, one of < <= > >= =, and a value.
std::optional<Condition> parse_condition(std::string_view text);

/// A line for each condition that does not hold, which says by how much: "orders: billing: age is 31 s, 1.0 s more than
/// 30s". The figures are those of the consumer, if there is one, or else of the stream.
/// Throws usage (the limit is not one for that figure), and not_found (no such figure, or it has no value now: "yes"
/// must not mean "not known").
std::vector<std::string> broken_conditions(const std::vector<Condition>& conditions, const Figures& figures,
                                           const ConsumerFigures* consumer);

}  // namespace shardlog::cli
