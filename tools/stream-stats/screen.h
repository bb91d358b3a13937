#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Makes pages fit on a terminal. Texts are printable, but for alarming(); each of their characters is taken to fill
/// one column.
namespace shardlog::cli {

struct Screen {
  std::size_t width = 80;
  std::optional<std::size_t> height{};  ///< absent if a page may have any number of lines
  bool unicode = false;                 ///< whether more than ASCII can be drawn
  bool colour = false;

  friend bool operator==(const Screen&, const Screen&) = default;
};

/// The present size of the terminal on standard output, or 80 columns without colour if standard output is not a
/// terminal. There is no colour either if NO_COLOR is set (no-color.org), or if the terminal is "dumb".
Screen screen_of_output();

/// Whether the terminal has neither colours nor a cursor that moves, by TERM.
bool is_dumb_terminal();

/// The beginning of `page` that fits the screen's height. If lines are left out, the last one says how many.
std::string cut_to_height(const std::string& page, const Screen& screen);

/// A text that a person should look at, in colour if the screen has it. The functions below do not count the colour as
/// columns.
std::string alarming(const std::string& text, const Screen& screen);

/// The text, or its beginning and end with "..." between them, in at most `width` columns.
std::string shortened(const std::string& text, std::size_t width);

/// As many of `width` columns as `part` of 1 fills, at most all, padded with blanks. Anything above 0 can be seen.
std::string bar(double part, std::size_t width, bool unicode);

struct Column {
  enum class Side { left, right };

  std::string heading;
  Side side = Side::left;
  int worth = 0;  ///< if the columns do not all fit, the one worth least is left out first
};

using Rows = std::vector<std::vector<std::string>>;

/// A line of headings and a line for each row, which has a cell for each column. Columns that do not fit into `width`
/// are left out. The first column is never left out; its cells are shortened instead.
std::string format_table(const std::vector<Column>& columns, Rows rows, std::size_t width);

}  // namespace shardlog::cli
