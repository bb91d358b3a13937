#include "shardlog/nats/control.h"

#include "shardlog/core/uuid.h"

namespace shardlog::nats {

namespace {

constexpr const char* expected_header = "Nats-Expected-Last-Sequence";
/// Random, so that a writer whose answer got lost can tell its message from another's that says the same.
constexpr const char* token_header = "SL-Token";

/// Whether the message with this sequence is the one with this token.
bool is_ours(JetStream& js, const std::string& name, std::uint64_t sequence, const std::string& token,
             Patience& patience) {
  const std::string what = described(name) + ": look whether it was changed";
  const auto answer =
      patience.insist(what, [&](Duration wait) { return js.get(Names::control_stream(name), sequence, wait); });
  if (const auto* const kept = std::get_if<KeptMessage>(&answer)) return kept->header(token_header) == token;
  const auto& refused = std::get<Refusal>(answer);
  if (refused.code != refusal::no_message) throw error_of(what, refused);
  throw Error(ErrorCode::io, what + ": it was changed many times meanwhile, so nobody knows");
}

/// False only if it is certain. Nobody answers what is published to a stream that was removed, nor while it has no
/// leader.
bool has_control_stream(JetStream& js, const std::string& name, Duration wait) {
  const auto answer = js.info(Names::control_stream(name), wait);
  const auto* const refused = std::get_if<Refusal>(&answer);
  return refused == nullptr || refused->code != refusal::no_stream;
}

}  // namespace

std::string described(const std::string& name) {
  return "stream " + quote("nats:" + name);
}

std::optional<KeptMessage> read_control_message(JetStream& js, const std::string& name, Patience patience) {
  const std::string what = described(name) + ": read its shard map";
  auto answer = patience.insist(
      what, [&](Duration wait) { return js.last_on(Names::control_stream(name), Names::control_subject(name), wait); });
  if (auto* const kept = std::get_if<KeptMessage>(&answer)) return std::move(*kept);
  const auto& refused = std::get<Refusal>(answer);
  if (refused.code == refusal::no_stream) return std::nullopt;
  if (refused.code == refusal::no_message) return KeptMessage{};
  throw error_of(what, refused);
}

std::optional<ControlAt> decoded(const KeptMessage& message, const std::string& name) {
  if (message.sequence == 0) return std::nullopt;
  try {
    Control control = decode_control(message.data);
    if (control.removed) return std::nullopt;
    return ControlAt{std::move(control), message.sequence};
  } catch (const Error& error) {
    throw Error(error.code(), described(name) + ": " + error.what());
  }
}

std::optional<ControlAt> read_control(JetStream& js, const std::string& name, const Patience& patience) {
  const auto message = read_control_message(js, name, patience);
  return message ? decoded(*message, name) : std::nullopt;
}

std::optional<std::uint64_t> replace_control(JetStream& js, const std::string& name, const Control& desired,
                                             std::uint64_t expected, Patience patience) {
  const std::string what = described(name) + ": change its shard map or settings";
  const std::string token = random_hex();
  const Headers headers{{expected_header, std::to_string(expected)}, {token_header, token}};
  const std::string data = encode(desired);
  const Refusal gone{refusal::no_stream, "no such stream"};
  bool unanswered = false;
  const auto answer = patience.insist(what, [&](Duration wait) {
    auto once = js.publish(Names::control_subject(name), headers, data, wait);
    unanswered |= std::holds_alternative<NoAnswer>(once);
    if (std::holds_alternative<Unavailable>(once) && !has_control_stream(js, name, wait)) once = gone;
    return once;
  });
  if (const auto* const stored = std::get_if<Published>(&answer)) return stored->sequence;
  const auto& refused = std::get<Refusal>(answer);
  if (refused.code != refusal::wrong_last_sequence) throw error_of(what, refused);
  if (!unanswered || !is_ours(js, name, expected + 1, token, patience)) return std::nullopt;
  return expected + 1;
}

}  // namespace shardlog::nats
