#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/metrics/measures.h"

/// What is measured is kept by the minute for a day, and by the hour for a month: what engines share of that.
namespace shardlog::metrics {

constexpr Duration minute = std::chrono::minutes(1);
constexpr Duration hour = std::chrono::hours(1);

/// The start of the minute or hour that the time is in.
Timestamp start_of(Duration span, Timestamp time);

/// When the oldest hour begins of which measures are kept, and the oldest minute: what is older is kept by the hour.
Timestamp oldest_hour(Timestamp now);
Timestamp oldest_minute(Timestamp now);

/// By the starts of the minutes.
using MeasuredMinutes = std::map<Timestamp, Measures>;

/// Periods next to each other: hours up to some time, and minutes from then on. An hour after that time, which can only
/// be there after the clock was set back, counts as its first minute.
class Periods {
 public:
  explicit Periods(Timestamp minutes_from) : minutes_from_(minutes_from) {}

  /// The start of the period that the time is in.
  [[nodiscard]] Timestamp start(Timestamp time) const { return start_of(span(time), time); }
  /// Its end.
  [[nodiscard]] Timestamp end(Timestamp time) const { return start(time) + span(time); }

  Period& at(Timestamp time);

  std::vector<Period> take();

 private:
  [[nodiscard]] Duration span(Timestamp time) const { return time < minutes_from_ ? hour : minute; }

  Timestamp minutes_from_;
  std::map<Timestamp, Period> periods_;
};

/// Compressed: the codec in a byte; if that is not 0, the size before compression; and the measures. Nullopt if they
/// are more than unpack() takes.
std::optional<std::string> pack(const Measures& measures);
/// Throws corrupt.
Measures unpack(std::string_view data);

}  // namespace shardlog::metrics
