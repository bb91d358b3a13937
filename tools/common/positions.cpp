#include "tools/common/positions.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "shardlog/core/nearest.h"
#include "shardlog/core/numbers.h"
#include "shardlog/core/printable.h"
#include "tools/common/scan.h"
#include "tools/common/times.h"

namespace shardlog::cli {

namespace {

/// A number of records: at most 2^63-1.
std::optional<std::uint64_t> parse_count(std::string_view text) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto count = parse_number<std::uint64_t>(text);
  return count <= most ? count : std::nullopt;
}

template <typename Kind, typename Value>
std::optional<Position> position_of(const std::optional<Value>& value) {
  return value ? std::optional<Position>(Kind{*value}) : std::nullopt;
}

/// Other ways to write what may have been meant.
std::vector<std::string> mended(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string::npos) return {};
  const std::string trimmed = text.substr(first, text.find_last_not_of(" \t\n") + 1 - first);
  const auto with = [&trimmed](char instead, std::string_view of) {
    std::string result = trimmed;
    std::replace_if(
        result.begin(), result.end(), [of](char c) { return of.find(c) != std::string_view::npos; }, instead);
    return result;
  };
  std::vector<std::string> results{trimmed, with('-', "/."), with(' ', "_"), "last:" + trimmed};
  if (trimmed.size() > 1 && trimmed[1] == ':') results.push_back("0" + trimmed);   // 9:30
  if (trimmed.find('-') != std::string::npos) results.push_back(trimmed + ":00");  // 2026-11-25T21
  return results;
}

}  // namespace

std::optional<Position> parse_position(std::string_view text, Timestamp now) {
  for (const std::string_view name : {"trim-horizon", "earliest", "beginning", "TRIM_HORIZON"}) {
    if (text == name) return TrimHorizon{};
  }
  for (const std::string_view name : {"latest", "end", "LATEST"}) {
    if (text == name) return Latest{};
  }
  if (take(text, "last:")) return position_of<LastRecords>(parse_count(text));
  if (take(text, "at:")) return position_of<AtSequence>(SequenceNumber::parse(text));
  if (take(text, "after:")) return position_of<AfterSequence>(SequenceNumber::parse(text));
  return position_of<AtTime>(parse_time(text, now));
}

std::string not_a_position(const std::string& text, Timestamp now) {
  if (text.starts_with("last:")) return "is not a position: last:N takes a number of records";
  for (const std::string name : {"at:", "after:"}) {
    if (text.starts_with(name)) return fmt::format("is not a position: {}SEQUENCE takes a sequence number", name);
  }
  for (const std::string& other : mended(text)) {
    if (parse_position(other, now)) return fmt::format("is not a position; did you mean {}?", quote(other));
  }
  const auto guess = did_you_mean(text, {"trim-horizon", "earliest", "beginning", "latest", "end", "now", "today",
                                         "yesterday", "tomorrow", "last:N", "at:SEQUENCE", "after:SEQUENCE"});
  if (!guess.empty()) return "is not a position" + guess;
  if (std::any_of(text.begin(), text.end(), is_digit)) {
    return "is not a time: 2026-11-25T21:00Z, '2026-11-25 21:00', 21:00, -10m, @1795640400, or as date(1) prints it";
  }
  return "is not a position: earliest, latest, last:N, at:SEQUENCE, after:SEQUENCE, or a time such as -10m or 21:00";
}

}  // namespace shardlog::cli
