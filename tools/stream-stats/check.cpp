#include "tools/stream-stats/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/nearest.h"
#include "shardlog/core/numbers.h"
#include "shardlog/core/printable.h"
#include "tools/common/option_table.h"
#include "tools/common/units.h"
#include "tools/stream-stats/named_figures.h"

namespace shardlog::cli {

namespace {

using Relation = Condition::Relation;

constexpr const char* option = "--check";

std::optional<double> parse_count(std::string_view text) {
  const auto number = parse_number<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<double> parse_limit(std::string_view text, Unit unit) {
  const bool is_rate = unit == Unit::records_a_second || unit == Unit::calls_a_second || unit == Unit::bytes_a_second;
  if (is_rate && text.ends_with("/s")) text.remove_suffix(2);
  switch (unit) {
    case Unit::duration: {
      const auto duration = parse_duration(text);
      return duration ? std::optional(std::chrono::duration<double>(*duration).count()) : std::nullopt;
    }
    case Unit::bytes:
    case Unit::bytes_a_second: {
      const auto size = parse_size(text);
      return size ? std::optional(static_cast<double>(*size)) : std::nullopt;
    }
    case Unit::percent:
      if (text.ends_with('%')) text.remove_suffix(1);
      return parse_count(text);
    default:
      return parse_count(text);
  }
}

const char* example_of(Unit unit) {
  switch (unit) {
    case Unit::duration:
      return "a time, as 30s";
    case Unit::bytes:
    case Unit::bytes_a_second:
      return "a size, as 10MiB";
    case Unit::percent:
      return "a percentage, as 80%";
    default:
      return "a number, as 1000";
  }
}

bool holds(double value, Relation relation, double limit) {
  switch (relation) {
    case Relation::less:
      return value < limit;
    case Relation::at_most:
      return value <= limit;
    case Relation::more:
      return value > limit;
    case Relation::at_least:
      return value >= limit;
    case Relation::equal:
      return value == limit;
  }
  return false;
}

/// The figure of that name. Throws not_found.
const NamedFigure& find(const std::string& name, const std::vector<NamedFigure>& figures, const std::string& subject) {
  std::vector<std::string> names;
  for (const NamedFigure& each : figures) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  throw Error(ErrorCode::not_found,
              fmt::format("{}: {} has no such figure{}", quote(name), subject, did_you_mean(name, names)));
}

/// "1.0 s more than 30s", "as much as 30s".
std::string distance_text(double value, double limit, const Condition& condition, Unit unit) {
  if (value == limit) return fmt::format("as much as {}", condition.limit);
  return fmt::format("{} {} than {}", value_text(std::abs(value - limit), unit), value > limit ? "more" : "less",
                     condition.limit);
}

}  // namespace

std::vector<std::string> broken_conditions(const std::vector<Condition>& conditions, const Figures& figures,
                                           const ConsumerFigures* consumer) {
  const std::vector<NamedFigure> known = consumer != nullptr ? named_figures(*consumer) : named_figures(figures);
  const std::string subject =
      printable(figures.name) + (consumer != nullptr ? ": " + printable(consumer->statistics.consumer.name) : "");
  std::vector<std::string> broken;
  for (const Condition& condition : conditions) {
    const NamedFigure& figure = find(condition.figure, known, consumer != nullptr ? "a consumer" : "a stream");
    const auto limit = parse_limit(condition.limit, figure.unit);
    if (!limit) refuse_value(option, condition.text, fmt::format("needs {}", example_of(figure.unit)));
    if (!figure.value) {
      throw Error(ErrorCode::not_found, fmt::format("{}: {} is not known now", subject, figure.name));
    }
    if (holds(*figure.value, condition.relation, *limit)) continue;
    broken.push_back(fmt::format("{}: {} is {}, {}", subject, figure.name, value_text(*figure.value, figure.unit),
                                 distance_text(*figure.value, *limit, condition, figure.unit)));
  }
  return broken;
}

}  // namespace shardlog::cli
