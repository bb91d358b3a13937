#include "tools/stream-stats/rate_page.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "tools/common/json_text.h"
#include "tools/common/units.h"
#include "tools/stream-stats/screen.h"

namespace shardlog::cli {

namespace {

std::vector<std::string> row_of(const std::string& heading, const std::optional<Rate>& rate, const std::string& time) {
  if (!rate) return {heading, "-", "-", "-", time};
  return {heading, rate_text(rate->records), byte_rate_text(rate->bytes), rate_text(rate->appends), time};
}

std::string percent_text(double percent) {
  if (percent > 0 && percent < 0.5) return "<1%";
  return format_count(static_cast<std::uint64_t>(std::llround(percent))) + "%";
}

std::string json_rate(const std::optional<Rate>& rate) {
  if (!rate) return "null";
  return json_object({{"records_per_second", json_number(rate->records)},
                      {"bytes_per_second", json_number(rate->bytes)},
                      {"appends_per_second", json_number(rate->appends)}});
}

}  // namespace

std::string rate_text(const std::optional<double>& rate) {
  constexpr double least_whole = 9.95;
  constexpr double least_shown = 0.05;
  if (!rate) return "-";
  if (*rate >= least_whole) return format_count(static_cast<std::uint64_t>(std::llround(*rate)));
  if (*rate >= least_shown) return fmt::format("{:.1f}", *rate);
  return *rate > 0 ? "<0.1" : "0";
}

std::string byte_rate_text(double bytes) {
  return bytes > 0 && bytes < 0.5 ? "<1 B" : format_size(static_cast<std::uint64_t>(std::round(bytes)));
}

std::string records_text(const std::optional<Rate>& rate) {
  return rate_text(rate ? std::optional(rate->records) : std::nullopt);
}

std::string format_rates(const Rates& rates, std::size_t width) {
  using enum Column::Side;
  if (rates.last_15_minutes == Rate{}) return "in         nothing put in the last 15 minutes\n";
  const std::string as_wide_as_labels(9, ' ');
  return "\n" + format_table({{as_wide_as_labels},
                              {"records/s", right, 4},
                              {"bytes/s", right, 3},
                              {"appends/s", right, 1},
                              {"", left, 2}},
                             {row_of("in", rates.last_minute, "last minute"),
                              row_of("", rates.last_15_minutes, "last 15 minutes")},
                             width);
}

std::string format_utilisation(const Utilisation& utilisation, std::size_t columns, bool unicode) {
  const auto percent = utilisation.most();
  if (!percent) return "-";
  return fmt::format("{} {:>4}", bar(*percent / 100, columns, unicode), percent_text(*percent));
}

std::string json_rates(const Rates& rates) {
  return json_object(
      {{"last_minute", json_rate(rates.last_minute)}, {"last_15_minutes", json_rate(rates.last_15_minutes)}});
}

std::string json_utilisation(const Utilisation& utilisation) {
  return json_object({{"records", json_number(utilisation.records)}, {"bytes", json_number(utilisation.bytes)}});
}

std::string json_number(const std::optional<double>& number) {
  constexpr double thousandths = 1000;
  if (!number) return "null";
  const double rounded = std::round(*number * thousandths) / thousandths;
  return rounded == std::floor(rounded) ? fmt::format("{:.0f}", rounded) : fmt::format("{}", rounded);
}

}  // namespace shardlog::cli
