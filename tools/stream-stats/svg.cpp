#include "tools/stream-stats/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "tools/stream-stats/time_axis.h"

namespace shardlog::cli {

namespace {

// In units of the picture, which the page scales to its width.
constexpr double width = 560;
constexpr double height = 190;
constexpr double left = 66;
constexpr double right = 552;
constexpr double top = 12;
constexpr double bottom = 166;

/// The least of 1, 2 and 5 times a power of ten that is not below the value: a scale that can be read.
double round_up(double value) {
  if (value <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (value <= factor * power) return factor * power;
  }
  return 10 * power;
}

double down(double value, double most) {
  return bottom - value / most * (bottom - top);
}

std::string values_axis(const Picture& picture, double most) {
  std::string text;
  for (const double part : {0.0, 0.5, 1.0}) {
    const double y = down(part, 1);
    const std::string label = part == 0 ? "0" : value_text(part * most, picture.unit);
    text += fmt::format(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", left, right, y, y);
    text += fmt::format(R"(<text x="{}" y="{:.1f}" text-anchor="end">{}</text>)", left - 6, y + 4, markup(label));
  }
  return text;
}

std::string time_axis(const History& history) {
  constexpr std::size_t most_ticks = 8;
  constexpr double label_below = 15;
  std::string text;
  for (const Tick& tick : ticks_between(history.from, history.until(), most_ticks)) {
    const double x = left + tick.place * (right - left);
    text += fmt::format(R"(<line class="axis" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>)", x, x, bottom, bottom + 4);
    text += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>)", x, bottom + label_below,
                        tick.place > 0.96 ? "end" : "middle", tick.label);
  }
  return text + fmt::format(R"(<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>)", left, right, bottom, bottom);
}

/// A line through the values; it is broken where there is none, and a value alone is a dot.
std::string line_of(const Course& course, std::size_t number, double most) {
  std::string path;
  bool is_drawn = false;
  for (std::size_t i = 0; i < course.values.size(); ++i) {
    const double value = course.values[i];
    if (std::isnan(value)) {
      is_drawn = false;
      continue;
    }
    const double x = left + (static_cast<double>(i) + 0.5) / static_cast<double>(course.values.size()) * (right - left);
    path += fmt::format("{}{:.1f},{:.1f}", is_drawn ? "L" : "M", x, down(value, most));
    if (!is_drawn) path += "h0.1";
    is_drawn = true;
  }
  return fmt::format(R"(<path class="course-{}" d="{}"/>)", number, path);
}

}  // namespace

std::string markup(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string svg(const Picture& picture, const History& history) {
  const double most = round_up(picture.peak());
  std::string text = fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", width, height,
                                 markup(picture.title + "; the table below has the numbers"));
  text += values_axis(picture, most) + time_axis(history);
  for (std::size_t i = 0; i < picture.courses.size(); ++i) text += line_of(picture.courses[i], i, most);
  return text + "</svg>\n";
}

}  // namespace shardlog::cli
