#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace shardlog::cli {

/// What stream-stats --check asks: "age<30s", "backlog <= 1000".
struct Condition {
  enum class Relation { less, at_most, more, at_least, equal };

  std::string text;  ///< as it was given
  std::string figure;
  Relation relation = Relation::less;
  std::string limit;  ///< what it means depends on the figure
};

/// Nullopt if the text is not a name, one of < <= > >= =, and a value.
std::optional<Condition> parse_condition(std::string_view text);

}  // namespace shardlog::cli
