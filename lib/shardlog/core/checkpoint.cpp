#include "shardlog/core/checkpoint.h"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace shardlog {

namespace {

constexpr std::string_view beginning = "beginning";
constexpr std::string_view trim_horizon = "trim-horizon";
constexpr std::string_view latest = "latest";
constexpr std::string_view time_alone = "time:";
constexpr std::string_view shard_end = "shard-end";
constexpr std::string_view at = "at:";
constexpr std::string_view after = "after:";

std::string text_of(Timestamp time) {
  return std::to_string(time.time_since_epoch().count());
}

std::string suffix(const std::optional<Timestamp>& not_before) {
  return not_before ? "@" + text_of(*not_before) : std::string();
}

struct Text {
  std::string operator()(const Beginning& from) const { return std::string(beginning) + suffix(from.not_before); }
  std::string operator()(const TrimHorizon&) const { return std::string(trim_horizon); }
  std::string operator()(const Latest&) const { return std::string(latest); }
  std::string operator()(const AtTime& from) const { return std::string(time_alone) + text_of(from.time); }
  std::string operator()(const AtSequence& position) const {
    return std::string(at) + position.sequence.to_string() + suffix(position.not_before);
  }
  std::string operator()(const AfterSequence& position) const {
    return std::string(after) + position.sequence.to_string();
  }
  std::string operator()(const ShardEnd& end) const { return std::string(shard_end) + suffix(end.not_before); }
};

/// Microseconds since the epoch, written as to_string() does.
std::optional<Timestamp> parse_time(std::string_view text) {
  std::int64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const Timestamp time{Duration(count)};
  return error == std::errc() && text_of(time) == text ? std::optional(time) : std::nullopt;
}

std::optional<Checkpoint> parse_without_time(std::string_view text) {
  if (text == beginning) return Beginning{};
  if (text == trim_horizon) return TrimHorizon{};
  if (text == latest) return Latest{};
  if (text.starts_with(time_alone)) {
    const auto time = parse_time(text.substr(time_alone.size()));
    return time ? std::optional<Checkpoint>(AtTime{*time}) : std::nullopt;
  }
  if (text == shard_end) return ShardEnd{};
  if (text.starts_with(at)) {
    const auto sequence = SequenceNumber::parse(text.substr(at.size()));
    return sequence ? std::optional<Checkpoint>(AtSequence{*sequence}) : std::nullopt;
  }
  if (text.starts_with(after)) {
    const auto sequence = SequenceNumber::parse(text.substr(after.size()));
    return sequence ? std::optional<Checkpoint>(AfterSequence{*sequence}) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::string to_string(const Checkpoint& checkpoint) {
  return std::visit(Text{}, checkpoint);
}

std::optional<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto separator = text.find('@');
  auto checkpoint = parse_without_time(text.substr(0, separator));
  if (separator == std::string_view::npos || !checkpoint) return checkpoint;
  const auto not_before = parse_time(text.substr(separator + 1));
  if (!not_before) return std::nullopt;
  if (auto* const position = std::get_if<AtSequence>(&*checkpoint)) {
    position->not_before = not_before;
  } else if (auto* const from = std::get_if<Beginning>(&*checkpoint)) {
    from->not_before = not_before;
  } else if (auto* const end = std::get_if<ShardEnd>(&*checkpoint)) {
    end->not_before = not_before;
  } else {
    return std::nullopt;
  }
  return checkpoint;
}

}  // namespace shardlog
