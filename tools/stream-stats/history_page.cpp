#include "tools/stream-stats/history_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "shardlog/core/printable.h"
#include "tools/common/times.h"
#include "tools/stream-stats/plot.h"
#include "tools/stream-stats/time_axis.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t scale = 9;  // columns for the numbers on the left, and two for the axis
constexpr std::size_t beside_plot = scale + 2;
constexpr std::size_t rows = 3;

std::size_t plot_columns(const Screen& screen) {
  return screen.width > beside_plot + 1 ? screen.width - beside_plot : 1;
}

/// "2026-01-31 14:00": a time to the minute.
std::string minute_text(Timestamp time) {
  std::string text = to_local_rfc3339(time).substr(0, 16);
  return text.replace(10, 1, " ");
}

std::string format_course(const Picture& picture, const Course& course, const Screen& screen) {
  const double peak = course.peak();
  const char* const unit = picture.unit == Unit::duration ? "" : ", records/s";
  std::string text = shortened(printable(course.name) + unit, screen.width) + "\n";
  const auto lines = area(course.values, peak, plot_columns(screen), rows, screen.unicode);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string number = i == 0 ? value_text(peak, picture.unit) : i + 1 == lines.size() ? "0" : "";
    const std::string line = fmt::format("{:>{}} {}{}", number, scale, screen.unicode ? "│" : "|", lines[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// A line of marks, and the times below them.
std::string format_axis(const History& history, const Screen& screen) {
  constexpr std::size_t for_a_label = 10;
  const std::size_t columns = plot_columns(screen);
  std::vector<bool> marked(columns);
  std::string labels;
  for (const Tick& tick :
       ticks_between(history.from, history.until(), std::max<std::size_t>(columns / for_a_label, 1))) {
    const auto at = std::min(static_cast<std::size_t>(tick.place * static_cast<double>(columns)), columns - 1);
    if (at + tick.label.size() > columns || at < labels.size()) continue;
    marked[at] = true;
    labels += std::string(at - labels.size(), ' ') + tick.label;
  }
  std::string axis;
  for (const bool mark : marked) axis += screen.unicode ? (mark ? "┬" : "─") : (mark ? "+" : "-");
  return fmt::format("{:{}}{}{}\n{:{}}{}\n", "", scale + 1, screen.unicode ? "└" : "+", axis, "", beside_plot, labels);
}

}  // namespace

std::size_t steps_on(const Screen& screen) {
  return plot_columns(screen) * (screen.unicode ? 2 : 1);
}

std::string format_history(const std::string& name, const History& history, const Screen& screen) {
  constexpr std::size_t for_times = 40;
  std::string text =
      fmt::format("{}  {} to {}\n\n", shortened(printable(name), std::max(screen.width, for_times + 10) - for_times),
                  minute_text(history.from), minute_text(history.until()));
  if (history.pictures.empty()) return text + "nothing put or read in this time\n";
  for (const Picture& picture : history.pictures) {
    for (const Course& course : picture.courses) text += format_course(picture, course, screen);
  }
  return text + format_axis(history, screen);
}

}  // namespace shardlog::cli
