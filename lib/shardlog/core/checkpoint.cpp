#include "shardlog/core/checkpoint.h"

namespace shardlog {

namespace {

constexpr std::string_view trim_horizon = "trim-horizon";
constexpr std::string_view shard_end = "shard-end";
constexpr std::string_view at = "at:";
constexpr std::string_view after = "after:";

struct Text {
  std::string operator()(const TrimHorizon&) const { return std::string(trim_horizon); }
  std::string operator()(const AtSequence& position) const { return std::string(at) + position.sequence.to_string(); }
  std::string operator()(const AfterSequence& position) const {
    return std::string(after) + position.sequence.to_string();
  }
  std::string operator()(const ShardEnd&) const { return std::string(shard_end); }
};

}  // namespace

std::string to_string(const Checkpoint& checkpoint) {
  return std::visit(Text{}, checkpoint);
}

std::optional<Checkpoint> parse_checkpoint(std::string_view text) {
  if (text == trim_horizon) return TrimHorizon{};
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

}  // namespace shardlog
