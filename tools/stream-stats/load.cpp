#include "tools/stream-stats/load.h"

#include "shardlog/core/numbers.h"
#include "tools/common/scan.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

bool take_end(std::string_view& text, std::string_view what) {
  if (!text.ends_with(what)) return false;
  text.remove_suffix(what.size());
  return true;
}

std::optional<double> parse_records(std::string_view text) {
  constexpr double most = 1e12;
  if (text.empty() || !is_digit(text.front()) || !is_digit(text.back())) return std::nullopt;
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  const auto records = parse_number<double>(text);
  return records && *records > 0 && *records <= most ? records : std::nullopt;
}

std::optional<double> parse_bytes(std::string_view text) {
  const auto size = text.ends_with('B') ? parse_size(text) : std::nullopt;
  return size && *size > 0 ? std::optional(static_cast<double>(*size)) : std::nullopt;
}

std::optional<std::uint64_t> parse_consumers(std::string_view text) {
  constexpr std::uint64_t most = 10'000;
  const auto consumers = parse_number<std::uint64_t>(without_blanks(text));
  return consumers && *consumers > 0 && *consumers <= most ? consumers : std::nullopt;
}

/// False if there is no value, or there was one before.
template <typename Value>
bool set(std::optional<Value>& into, const std::optional<Value>& value) {
  if (into || !value) return false;
  into = value;
  return true;
}

bool add_part(std::string_view part, Load& load) {
  if (take_end(part, "/s")) {
    return part.ends_with('B') ? set(load.bytes, parse_bytes(part)) : set(load.records, parse_records(part));
  }
  if (take_end(part, "consumers") || take_end(part, "consumer")) return set(load.consumers, parse_consumers(part));
  return false;
}

}  // namespace

std::optional<Load> parse_load(std::string_view text) {
  Load load;
  for (bool more = true; more;) {
    const std::string_view part = take_while(text, [](char c) { return c != ','; });
    if (!add_part(without_blanks(part), load)) return std::nullopt;
    more = take(text, ",");
  }
  return load.records || load.bytes ? std::optional(load) : std::nullopt;
}

}  // namespace shardlog::cli
