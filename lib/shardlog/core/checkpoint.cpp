#include "shardlog/core/checkpoint.h"

#include <cstdint>
#include <tuple>
#include <type_traits>

#include "shardlog/core/numbers.h"

namespace shardlog {

namespace {

std::string text_of(Timestamp time) {
  return std::to_string(time.time_since_epoch().count());
}

struct TextWithoutTime {
  std::string operator()(const Beginning&) const { return "beginning"; }
  std::string operator()(const TrimHorizon&) const { return "trim-horizon"; }
  std::string operator()(const Latest&) const { return "latest"; }
  std::string operator()(const AtTime& at) const { return "time:" + text_of(at.time); }
  std::string operator()(const AtSequence& at) const { return "at:" + at.sequence.to_string(); }
  std::string operator()(const AfterSequence& after) const { return "after:" + after.sequence.to_string(); }
  std::string operator()(const ShardEnd&) const { return "shard-end"; }
};

/// Where a kind of checkpoint keeps its `not_before`; nullptr for a kind without one.
struct NotBefore {
  template <typename Kind>
  auto* operator()(Kind& kind) const {
    using Time = std::conditional_t<std::is_const_v<Kind>, const std::optional<Timestamp>, std::optional<Timestamp>>;
    if constexpr (requires { kind.not_before; }) {
      return static_cast<Time*>(&kind.not_before);
    } else {
      return static_cast<Time*>(nullptr);
    }
  }
};

/// Microseconds since the epoch, written as to_string() does.
std::optional<Timestamp> parse_time(std::string_view text) {
  const auto count = parse_number<std::int64_t>(text);
  return count && std::to_string(*count) == text ? std::optional(Timestamp(Duration(*count))) : std::nullopt;
}

std::optional<Checkpoint> parse_without_time(std::string_view text) {
  for (const Checkpoint& plain :
       {Checkpoint(Beginning{}), Checkpoint(TrimHorizon{}), Checkpoint(Latest{}), Checkpoint(ShardEnd{})}) {
    if (std::visit(TextWithoutTime{}, plain) == text) return plain;
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view kind = text.substr(0, colon);
  const std::string_view value = text.substr(colon + 1);
  if (kind == "time") {
    const auto time = parse_time(value);
    return time ? std::optional<Checkpoint>(AtTime{*time}) : std::nullopt;
  }
  const auto sequence = SequenceNumber::parse(value);
  if (sequence && kind == "at") return AtSequence{*sequence};
  if (sequence && kind == "after") return AfterSequence{*sequence};
  return std::nullopt;
}

/// Ascending along the shard: its beginning, its sequence numbers, its end.
std::tuple<int, std::optional<SequenceNumber>, bool> rank_of(const Checkpoint& checkpoint) {
  if (const auto* at = std::get_if<AtSequence>(&checkpoint)) return {1, at->sequence, false};
  if (const auto* after = std::get_if<AfterSequence>(&checkpoint)) return {1, after->sequence, true};
  return {std::holds_alternative<ShardEnd>(checkpoint) ? 2 : 0, std::nullopt, false};
}

}  // namespace

std::string to_string(const Checkpoint& checkpoint) {
  const auto* const not_before = std::visit(NotBefore{}, checkpoint);
  const bool has_time = not_before != nullptr && *not_before;
  return std::visit(TextWithoutTime{}, checkpoint) + (has_time ? "@" + text_of(**not_before) : "");
}

std::optional<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto separator = text.find('@');
  auto checkpoint = parse_without_time(text.substr(0, separator));
  if (separator == std::string_view::npos || !checkpoint) return checkpoint;
  auto* const not_before = std::visit(NotBefore{}, *checkpoint);
  const auto time = parse_time(text.substr(separator + 1));
  if (not_before == nullptr || !time) return std::nullopt;
  *not_before = time;
  return checkpoint;
}

Checkpoint later(const Checkpoint& a, const Checkpoint& b) {
  return rank_of(a) < rank_of(b) ? b : a;
}

}  // namespace shardlog
