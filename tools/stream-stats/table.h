#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shardlog::cli {

/// A column of a table. Cells are printable text, as many in each column.
struct Column {
  enum class Side { left, right };

  std::string heading;
  Side side = Side::left;
  int worth = 0;  ///< of columns that do not fit beside each other, the one worth least goes first
  std::vector<std::string> cells{};
};

/// The columns beside each other, a line each for the headings and the cells, in at most `width` columns of a terminal.
/// Where they do not fit, columns are left out. The first one stays; its cells are shortened in their middle.
std::string format_table(std::vector<Column> columns, std::size_t width);

/// How many columns of a terminal a printable text takes, as far as one for each character.
std::size_t columns_of(std::string_view text);

/// The text, or its beginning and end with "..." between them, in at most `width` columns.
std::string shortened(const std::string& text, std::size_t width);

}  // namespace shardlog::cli
