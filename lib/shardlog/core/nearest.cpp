#include "shardlog/core/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "shardlog/core/printable.h"

namespace shardlog {

namespace {

constexpr std::size_t longest_word = 256;  // the time grows with the square of the length
constexpr std::size_t shortest_beginning = 3;

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// How many letters must be inserted, left out, replaced or swapped to turn one word into the other.
std::size_t distance(std::string_view one, std::string_view other) {
  // Three rows of the table of distances between all beginnings: of i-2, i-1 and i letters of `one`.
  std::array<std::vector<std::size_t>, 3> rows;
  for (auto& row : rows) row.assign(other.size() + 1, 0);
  auto& [two_before, before, row] = rows;
  for (std::size_t j = 0; j <= other.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= one.size(); ++i) {
    std::swap(two_before, before);
    std::swap(before, row);
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t replaced = before[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({before[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
      if (swapped) row[j] = std::min(row[j], two_before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > longest_word) return std::nullopt;
  const std::string wanted = lower_case(word);
  std::optional<std::string> best;
  std::size_t least = longest_word;
  std::optional<std::string> completed;
  std::size_t completions = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest_word) continue;
    const std::string known = lower_case(candidate);
    if (wanted.size() >= shortest_beginning && known.starts_with(wanted)) {
      completed = candidate;
      ++completions;
    }
    const std::size_t differing = distance(wanted, known);
    if (differing < least && differing <= std::max(wanted.size(), known.size()) / 3) {
      best = candidate;
      least = differing;
    }
  }
  return completions == 1 && least > 1 ? completed : best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto guess = nearest(word, candidates);
  return guess ? fmt::format("; did you mean {}?", quote(*guess)) : "";
}

std::string what_there_is(std::string_view word, const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;  // nobody reads more
  if (names.empty()) return "; the stream has none";
  if (std::string guess = did_you_mean(word, names); !guess.empty()) return guess;
  const std::size_t shown = names.size() > most ? most - 1 : names.size();
  std::string list;
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == names.size();
    list += (i == 0 ? "" : last ? " and " : ", ") + quote(names[i]);
  }
  if (shown < names.size()) list += fmt::format(" and {} more", names.size() - shown);
  return "; the stream has " + list;
}

}  // namespace shardlog
