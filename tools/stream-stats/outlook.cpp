#include "tools/stream-stats/outlook.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "shardlog/log/settings.h"
#include "tools/common/units.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using State = Outlook::State;

/// A trend below this many records a second is as good as none.
constexpr double least_trend = 0.5;

State state_of(const ConsumerStatistics& consumer) {
  if (consumer.backlog == 0U) return State::caught_up;
  if (consumer.workers == 0) return State::no_worker;
  const double trend = consumer.trend.value_or(0);
  if (trend >= least_trend) return State::falling_behind;
  return trend <= -least_trend ? State::catching_up : State::unknown;
}

/// At most ten years, so that any rate gives a duration.
Duration time_for(double records, double a_second) {
  constexpr double longest = 10.0 * 365 * 24 * 3600;
  constexpr double microseconds = 1e6;
  return Duration(std::llround(std::min(records / a_second, longest) * microseconds));
}

/// Without a trend it does not say how fast.
std::string state_text(const Outlook& outlook, const std::optional<double>& trend) {
  switch (outlook.state) {
    case State::caught_up:
      return "caught up";
    case State::no_worker:
      return "no worker";
    case State::falling_behind:
      return trend
                 ? fmt::format("falling behind by {}/s", format_count(static_cast<std::uint64_t>(std::llround(*trend))))
                 : "falling behind";
    case State::catching_up:
      if (!outlook.caught_up_in) return "catching up";
      return "caught up in " + age_text(*outlook.caught_up_in) + (trend ? " at this rate" : "");
    case State::unknown:
      break;
  }
  return "";
}

}  // namespace

Duration age_of(const ConsumerStatistics& consumer, Timestamp now) {
  return consumer.oldest ? std::max(now - *consumer.oldest, Duration(0)) : Duration(0);
}

Outlook outlook_of(const ConsumerStatistics& consumer, Timestamp now, Duration retention) {
  Outlook outlook{state_of(consumer)};
  if (outlook.state == State::catching_up && consumer.backlog) {
    outlook.caught_up_in = time_for(static_cast<double>(*consumer.backlog), -*consumer.trend);
  }
  const Duration age = age_of(consumer, now);
  if (retention == forever || age <= retention / 2) return outlook;
  const Duration left = std::max(retention - age, Duration(0));
  if (!outlook.caught_up_in || *outlook.caught_up_in >= left) outlook.loses_data_in = left;
  return outlook;
}

std::string outlook_text(const Outlook& outlook, const std::optional<double>& trend, std::size_t room) {
  const std::string loss = outlook.loses_data_in ? "loses data in " + age_text(*outlook.loses_data_in) : "";
  std::string text;
  for (const bool says_how_fast : {true, false}) {
    text = state_text(outlook, says_how_fast ? trend : std::nullopt);
    text += (text.empty() || loss.empty() ? "" : "; ") + loss;
    if (text.size() <= room) return text;
  }
  return loss.empty() ? text : loss;
}

}  // namespace shardlog::cli
