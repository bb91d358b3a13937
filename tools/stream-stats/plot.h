#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// Pictures made of characters.
namespace shardlog::cli {

/// A line of blocks whose heights show the values, the greatest block for `peak`. Neighbours share a block until at
/// most `columns` blocks are needed. A blank stands for 0; anything above 0 can be seen.
std::string sparkline(const std::vector<double>& values, double peak, std::size_t columns, bool unicode);

/// Lines, the highest first, in which the values are filled from the bottom: with dots of braille, two beside each
/// other and four above each other in a character, or with ASCII. The greatest height stands for `peak`. What is not a
/// number is left blank, and so is 0; anything above 0 can be seen. REQUIRES: columns and rows above 0
std::vector<std::string> area(const std::vector<double>& values, double peak, std::size_t columns, std::size_t rows,
                              bool unicode);

}  // namespace shardlog::cli
