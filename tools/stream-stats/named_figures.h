#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/stream-stats/figures.h"

/// The figures that have a name: the same in --json, --check and --prometheus. Where Kinesis has the figure among its
/// metrics, the name is that of Kinesis in small letters (Kinesis developer guide, "Monitoring").
namespace shardlog::cli {

/// What a value is measured in. Durations are in seconds, shares in percent.
enum class Unit { count, bytes, records_a_second, bytes_a_second, calls_a_second, duration, percent };

struct NamedFigure {
  std::string name;
  Unit unit;
  std::string_view meaning;
  std::optional<double> value;  ///< absent if it is not known, or nothing was measured in the last minute
};

std::vector<NamedFigure> named_figures(const Figures& figures);
std::vector<NamedFigure> named_figures(const ConsumerFigures& consumer);

/// A value as a person reads it: "31s", "4,012/s", "1.5 MiB".
std::string value_text(double value, Unit unit);

/// An object of names and values: `{"incoming_records":4012,"put_records_latency_p50":0.0009}`.
std::string json_figures(const std::vector<NamedFigure>& figures);

}  // namespace shardlog::cli
