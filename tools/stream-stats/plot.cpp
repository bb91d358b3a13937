#include "tools/stream-stats/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>

namespace shardlog::cli {

namespace {

constexpr std::array<std::string_view, 9> blocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 5> ascii_blocks{" ", ".", ":", "=", "#"};

/// How many neighbours share a column: the least number that divides them evenly.
std::size_t sharing(std::size_t count, std::size_t columns) {
  std::size_t each = (count + columns - 1) / columns;
  while (count % each != 0) ++each;
  return each;
}

/// How many of the `most` steps between bottom and top a value fills.
std::size_t height_of(double value, double peak, std::size_t most) {
  if (!(value > 0) || peak <= 0) return 0;
  return static_cast<std::size_t>(
      std::clamp(std::round(value / peak * static_cast<double>(most)), 1.0, static_cast<double>(most)));
}

/// The part of a column that lies in a row with `in_row` steps, of which `below` are under that row.
std::size_t part_in_row(std::size_t height, std::size_t below, std::size_t in_row) {
  return height <= below ? 0 : std::min(height - below, in_row);
}

/// A character of braille with its two columns of dots filled from the bottom (Unicode, "Braille Patterns").
std::string braille(std::size_t left, std::size_t right) {
  static constexpr std::array<unsigned, 5> left_dots{0, 0x40, 0x44, 0x46, 0x47};
  static constexpr std::array<unsigned, 5> right_dots{0, 0x80, 0xA0, 0xB0, 0xB8};
  const unsigned dots = left_dots.at(left) | right_dots.at(right);
  if (dots == 0) return " ";
  constexpr unsigned in_last_byte = 0x3F;
  return {'\xE2', static_cast<char>(0xA0 | (dots >> 6)), static_cast<char>(0x80 | (dots & in_last_byte))};
}

}  // namespace

std::vector<std::string> area(const std::vector<double>& values, double peak, std::size_t columns, std::size_t rows,
                              bool unicode) {
  static constexpr std::array<const char*, 4> ascii{" ", ".", ":", "#"};
  const std::size_t across = unicode ? 2 : 1;
  const std::size_t in_row = unicode ? 4 : ascii.size() - 1;
  std::vector<std::size_t> heights;
  for (std::size_t i = 0; i < columns * across; ++i) {
    heights.push_back(values.empty() ? 0
                                     : height_of(values[i * values.size() / (columns * across)], peak, rows * in_row));
  }
  std::vector<std::string> lines;
  for (std::size_t row = rows; row-- > 0;) {
    std::string& line = lines.emplace_back();
    for (std::size_t i = 0; i < columns; ++i) {
      const auto filled = [&](std::size_t dot) { return part_in_row(heights[i * across + dot], row * in_row, in_row); };
      line += unicode ? braille(filled(0), filled(1)) : ascii.at(filled(0));
    }
  }
  return lines;
}

std::string sparkline(const std::vector<double>& values, double peak, std::size_t columns, bool unicode) {
  if (values.empty() || columns == 0) return "";
  const std::span<const std::string_view> heights =
      unicode ? std::span<const std::string_view>(blocks) : std::span<const std::string_view>(ascii_blocks);
  const std::size_t each = sharing(values.size(), columns);
  std::string line;
  for (auto from = values.begin(); from != values.end(); from += static_cast<std::ptrdiff_t>(each)) {
    const double mean =
        std::accumulate(from, from + static_cast<std::ptrdiff_t>(each), 0.0) / static_cast<double>(each);
    line += heights[height_of(mean, peak, heights.size() - 1)];
  }
  return line;
}

}  // namespace shardlog::cli
