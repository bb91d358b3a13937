#include "tools/stream-stats/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <span>

#include "shardlog/core/utf8.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t narrowest = 20;
constexpr std::size_t gap = 2;             // between the columns of a table
constexpr std::size_t shortest_name = 12;  // the first column is cut to this before others are left out

/// Whether the locale's characters are UTF-8 (POSIX: the first of these that is set names it).
bool utf8_locale() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes it
    if (value == nullptr || *value == '\0') continue;
    std::string locale(value);  // "en_US.UTF-8", "C.utf8", "en_US.utf-8"
    std::erase(locale, '-');
    const auto is_same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); };
    constexpr std::string_view utf8 = "utf8";
    return std::search(locale.begin(), locale.end(), utf8.begin(), utf8.end(), is_same) != locale.end();
  }
  return false;
}

constexpr std::string_view alarm_begin = "\x1b[1;31m";
constexpr std::string_view alarm_end = "\x1b[0m";

std::size_t columns_of(std::string_view text) {
  const std::size_t invisible = text.starts_with(alarm_begin) ? alarm_begin.size() + alarm_end.size() : 0;
  return utf8_length(text).value_or(text.size()) - invisible;
}

bool is_set(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes it
  return value != nullptr && *value != '\0';
}

/// How much of `width` is left for the first column beside the others.
std::size_t room_for_first(const std::vector<std::size_t>& shown, const std::vector<std::size_t>& widths,
                           std::size_t width) {
  std::size_t others = 0;
  for (const std::size_t column : shown) others += column == 0 ? 0 : gap + widths[column];
  return others < width ? width - others : 0;
}

}  // namespace

bool is_dumb_terminal() {
  const char* const type = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nothing changes it
  return type == nullptr || std::string_view(type) == "dumb";
}

Screen screen_of_output() {
  Screen screen;
  screen.unicode = utf8_locale();
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return screen;  // NOLINT(*-vararg)
  if (size.ws_col > 0) screen.width = std::max<std::size_t>(size.ws_col, narrowest);
  if (size.ws_row > 0) screen.height = size.ws_row;
  screen.colour = !is_set("NO_COLOR") && !is_dumb_terminal();
  return screen;
}

std::string cut_to_height(const std::string& page, const Screen& screen) {
  const auto lines = static_cast<std::size_t>(std::count(page.begin(), page.end(), '\n'));
  if (!screen.height || lines < *screen.height) return page;  // the cursor takes the line after the last one
  const std::size_t kept = *screen.height > 2 ? *screen.height - 2 : 0;
  std::size_t end = 0;
  for (std::size_t line = 0; line < kept; ++line) end = page.find('\n', end) + 1;
  return page.substr(0, end) + fmt::format("and {}\n", format_count(lines - kept, "more line"));
}

std::string alarming(const std::string& text, const Screen& screen) {
  if (!screen.colour || text.empty()) return text;
  return std::string(alarm_begin) + text + std::string(alarm_end);
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

std::string bar(double part, std::size_t width, bool unicode) {
  static constexpr std::array<std::string_view, 9> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
  static constexpr std::array<std::string_view, 3> halves{"", "=", "#"};
  const std::span<const std::string_view> steps = unicode ? std::span<const std::string_view>(eighths) : halves;
  const std::size_t in_full = steps.size() - 1;
  const double wanted = std::min(part, 1.0) * static_cast<double>(width * in_full);
  const auto filled = std::max<std::size_t>(static_cast<std::size_t>(std::lround(wanted)), part > 0 ? 1 : 0);
  std::string text;
  for (std::size_t i = 0; i < filled / in_full; ++i) text += steps.back();
  text += steps[filled % in_full];
  return text + std::string(width - (filled + in_full - 1) / in_full, ' ');
}

std::string format_table(const std::vector<Column>& columns, Rows rows, std::size_t width) {
  auto& headings = *rows.emplace(rows.begin());
  for (const Column& column : columns) headings.push_back(column.heading);
  std::vector<std::size_t> widths(columns.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::vector<std::size_t> shown(columns.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  while (shown.size() > 1 && room_for_first(shown, widths, width) < std::min(widths[0], shortest_name)) {
    shown.erase(std::min_element(shown.begin() + 1, shown.end(),
                                 [&](std::size_t a, std::size_t b) { return columns[a].worth < columns[b].worth; }));
  }
  widths[0] = std::min(widths[0], room_for_first(shown, widths, width));
  std::string text;
  for (auto& row : rows) {
    std::string line;
    row[0] = shortened(row[0], widths[0]);
    for (const std::size_t i : shown) {
      const std::string space(widths[i] - columns_of(row[i]), ' ');
      line += (line.empty() ? "" : std::string(gap, ' ')) +
              (columns[i].side == Column::Side::left ? row[i] + space : space + row[i]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace shardlog::cli
