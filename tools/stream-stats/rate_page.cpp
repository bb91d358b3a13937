#include "tools/stream-stats/rate_page.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <utility>

#include "tools/common/json_text.h"
#include "tools/common/units.h"
#include "tools/stream-stats/plot.h"
#include "tools/stream-stats/screen.h"

namespace shardlog::cli {

namespace {

using enum Column::Side;

/// The calls of "out" are reads, and stand where the others have appends.
std::vector<std::string> row_of(const char* heading, const Traffic& traffic, bool is_known, const Screen& screen,
                                std::size_t columns) {
  const Rate& rate = traffic.last_minute;
  return {heading,
          is_known ? rate_text(rate.records) : "-",
          is_known ? byte_rate_text(rate.bytes) : "-",
          is_known ? rate_text(rate.calls) : "-",
          sparkline(traffic.last_hour, traffic.peak(), columns, screen.unicode),
          rate_text(traffic.peak())};
}

/// A row that a person should look at.
std::vector<std::string> alarming_row(std::vector<std::string> row, const Screen& screen) {
  row[1] = alarming(row[1], screen);
  return row;
}

std::string damage_text(const StreamTraffic& traffic, const Screen& screen) {
  if (!traffic.is_damaged) return "";
  const std::string text = "damaged      some of what was measured cannot be read: see --verify";
  return alarming(shortened(text, screen.width), screen) + "\n";
}

std::string json_rate(const std::optional<Rate>& rate) {
  if (!rate) return "null";
  return json_object({{"records_per_second", json_number(rate->records)},
                      {"bytes_per_second", json_number(rate->bytes)},
                      {"appends_per_second", json_number(rate->calls)}});
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

std::string format_rates(const StreamTraffic& traffic, const Screen& screen) {
  constexpr std::size_t room_for_bytes = 80;
  constexpr std::size_t beside_plot = 50;  // the other columns, when their numbers are long
  const Traffic& out = traffic.all_readers.out;
  const std::string damage = damage_text(traffic, screen);
  const bool is_empty = traffic.in.empty() && out.empty() && traffic.throttled.empty() && traffic.dropped.empty();
  if (is_empty) return "in           nothing put in the last hour\n" + damage;
  const bool is_wide = screen.width >= room_for_bytes;
  const std::size_t plot = is_wide ? screen.width - beside_plot : 0;
  Rows rows{row_of("in", traffic.in, traffic.is_in_known, screen, plot),
            row_of("out", out, traffic.is_known, screen, plot)};
  if (traffic.in.empty()) rows[0][4] = "nothing put in the last hour";
  for (const auto& [name, each] :
       {std::pair("throttled", &traffic.throttled), std::pair("dropped", &traffic.dropped)}) {
    const bool now = traffic.is_known && each->last_minute.records > 0;
    auto row = row_of(name, *each, traffic.is_known, screen, plot);
    if (!each->empty()) rows.push_back(now ? alarming_row(std::move(row), screen) : std::move(row));
  }
  const std::string as_wide_as_labels(11, ' ');
  std::vector<Column> columns{{as_wide_as_labels},   {"records/s", right, 5}, {"bytes/s", right, 2},
                              {"calls/s", right, 1}, {"last hour", left, 3},  {"peak", right, 4}};
  if (is_wide) return format_table(columns, std::move(rows), screen.width) + damage;
  for (const std::size_t gone : {std::size_t{4}, std::size_t{2}}) {
    columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(gone));
    for (auto& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(gone));
  }
  return format_table(columns, std::move(rows), screen.width) + damage;
}

std::string percent_text(const std::optional<double>& percent) {
  if (!percent) return "-";
  if (*percent > 0 && *percent < 0.5) return "<1%";
  return format_count(static_cast<std::uint64_t>(std::llround(*percent))) + "%";
}

std::string format_utilisation(const Utilisation& utilisation, std::size_t columns, bool unicode) {
  const auto percent = utilisation.most();
  if (!percent) return "-";
  return fmt::format("{} {:>4}", bar(*percent / 100, columns, unicode), percent_text(percent));
}

std::string json_rates(const Rates& rates) {
  return json_object(
      {{"last_minute", json_rate(rates.last_minute)}, {"last_15_minutes", json_rate(rates.last_15_minutes)}});
}

std::string json_utilisation(const Utilisation& utilisation) {
  return json_object({{"records", json_number(utilisation.records)},
                      {"bytes", json_number(utilisation.bytes)},
                      {"read_bytes", json_number(utilisation.read_bytes)},
                      {"read_calls", json_number(utilisation.read_calls)}});
}

std::string json_number(const std::optional<double>& number) {
  constexpr double thousandths = 1000;
  if (!number) return "null";
  const double rounded = std::round(*number * thousandths) / thousandths;
  return rounded == std::floor(rounded) ? fmt::format("{:.0f}", rounded) : fmt::format("{}", rounded);
}

}  // namespace shardlog::cli
