#include "tools/common/nearest_name.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <vector>

#include "shardlog/core/printable.h"

namespace shardlog::cli {

namespace {

bool same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

/// How many bytes must be put in, taken out or replaced to make one of the other; upper and lower case are the same.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);  // from a start of `from` to each start of `to`
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (same_letter(from[i], to[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(std::string_view written, std::span<const std::string> names) {
  constexpr std::size_t longest = 256;  // nobody mistypes more
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(written.size() / 3, 1) + 1;
  for (const std::string& name : names) {
    if (name.empty() || std::max(name.size(), written.size()) > longest) continue;
    const std::size_t steps = distance(written, name);
    if (steps >= least) continue;
    least = steps;
    nearest = name;
  }
  return nearest.empty() ? "" : "; did you mean " + quote(nearest) + "?";
}

}  // namespace shardlog::cli
