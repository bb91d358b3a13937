#include "shardlog/scaling/last_decision.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"

namespace shardlog::scaling {

namespace {

/// "DECIDED_AT WINDOW REASON", both times in microseconds.
constexpr const char* attribute = "shardlog.scaling";

constexpr std::size_t longest_reason = 1000;

[[noreturn]] void refuse(const std::string& value) {
  throw Error(ErrorCode::corrupt, fmt::format("attribute '{}': {} is not a decision", attribute, quote(value)));
}

/// Takes the number before the next space.
std::int64_t take_number(std::string_view& rest, const std::string& value) {
  const std::size_t end = rest.find(' ');
  if (end == std::string_view::npos) refuse(value);
  const auto number = parse_number<std::int64_t>(rest.substr(0, end));
  if (!number || *number < 0) refuse(value);
  rest.remove_prefix(end + 1);
  return *number;
}

/// At most longest_reason bytes, and no half character at the end.
std::string_view shortened(std::string_view reason) {
  if (reason.size() <= longest_reason) return reason;
  std::size_t end = longest_reason;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0U) == 0x80U) --end;
  return reason.substr(0, end);
}

}  // namespace

LastDecision last_decision(const Attributes& attributes) {
  const auto found = attributes.find(attribute);
  if (found == attributes.end()) return {};
  const std::string& value = found->second;
  std::string_view rest = value;
  LastDecision last;
  last.state.decided_at = Timestamp(Duration(take_number(rest, value)));
  last.state.window = Duration(take_number(rest, value));
  if (last.state.window < reshard::first_window || last.state.window > reshard::longest_window) refuse(value);
  last.reason = rest;
  return last;
}

ValueChanges remember(const reshard::Decision& decision) {
  const auto decided_at = decision.state.decided_at.value_or(Timestamp{}).time_since_epoch();
  return {{attribute,
           fmt::format("{} {} {}", decided_at.count(), decision.state.window.count(), shortened(decision.reason))}};
}

}  // namespace shardlog::scaling
