#include "tools/stream-stats/table.h"

#include <algorithm>
#include <numeric>

#include "shardlog/core/utf8.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t shortest_name = 12;  // to which the first column is cut before others are left out

std::size_t width_of(const Column& column) {
  std::size_t width = columns_of(column.heading);
  for (const std::string& cell : column.cells) width = std::max(width, columns_of(cell));
  return width;
}

/// What is left of `width` for the first column.
std::size_t room_for_first(const std::vector<Column>& columns, std::size_t width) {
  const std::size_t others =
      std::accumulate(columns.begin() + 1, columns.end(), std::size_t{0},
                      [](std::size_t sum, const Column& column) { return sum + gap + width_of(column); });
  return others < width ? width - others : 0;
}

void append_padded(std::string& to, const std::string& cell, const Column& column, std::size_t width) {
  const std::string space(width - columns_of(cell), ' ');
  to += column.side == Column::Side::left ? cell + space : space + cell;
}

std::string row_of(const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
                   std::string Column::*heading, std::size_t row) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) line.append(gap, ' ');
    append_padded(line, heading != nullptr ? columns[i].*heading : columns[i].cells.at(row), columns[i], widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  return utf8_length(text).value_or(text.size());
}

std::string shortened(const std::string& text, std::size_t width) {
  constexpr std::string_view between = "...";
  if (columns_of(text) <= width) return text;
  std::vector<std::string_view> characters;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(characters.back().size())) {
    characters.push_back(rest.substr(0, std::max<std::size_t>(utf8_character(rest), 1)));
  }
  const std::size_t kept = width > between.size() ? width - between.size() : 0;
  std::string result;
  for (std::size_t i = 0; i < (kept + 1) / 2; ++i) result += characters[i];
  result += between.substr(0, width);
  for (std::size_t i = characters.size() - kept / 2; i < characters.size(); ++i) result += characters[i];
  return result;
}

std::string format_table(std::vector<Column> columns, std::size_t width) {
  const std::size_t wanted = std::min(width_of(columns.front()), shortest_name);
  while (columns.size() > 1 && room_for_first(columns, width) < wanted) {
    columns.erase(std::min_element(columns.begin() + 1, columns.end(),
                                   [](const Column& a, const Column& b) { return a.worth < b.worth; }));
  }
  Column& first = columns.front();
  const std::size_t room = room_for_first(columns, width);
  for (std::string& cell : first.cells) cell = shortened(cell, room);
  std::vector<std::size_t> widths(columns.size());
  std::transform(columns.begin(), columns.end(), widths.begin(), width_of);
  std::string text = row_of(columns, widths, &Column::heading, 0);
  for (std::size_t row = 0; row < columns.front().cells.size(); ++row) text += row_of(columns, widths, nullptr, row);
  return text;
}

}  // namespace shardlog::cli
