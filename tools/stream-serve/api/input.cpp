#include "tools/stream-serve/api/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace shardlog::serve::api {

std::optional<std::string> text_of(const wire::Value& input, std::string_view name) {
  const wire::Value* const value = input.find(name);
  return value == nullptr ? std::nullopt : std::optional(std::string(value->text));
}

std::optional<std::int64_t> number_of(const wire::Value& input, std::string_view name) {
  const wire::Value* const value = input.find(name);
  return value == nullptr ? std::nullopt : std::optional(static_cast<std::int64_t>(value->number));
}

std::optional<Timestamp> time_of(const wire::Value& input, std::string_view name) {
  constexpr double most_seconds = 9e12;  // microseconds have to fit 64 bits
  const wire::Value* const value = input.find(name);
  if (value == nullptr) return std::nullopt;
  const double seconds = std::clamp(value->number, -most_seconds, most_seconds);
  // SDKs send milliseconds: rounding takes away what a double cannot hold.
  return Timestamp(Duration(std::llround(seconds * 1000) * 1000));
}

Result<std::string> stream_named(const Call& call) {
  const auto name = text_of(call.input, "StreamName");
  auto arn = text_of(call.input, "StreamARN");
  for (const std::string_view name_of_other : {"ResourceARN", "ConsumerARN"}) {
    const auto other = text_of(call.input, name_of_other);
    if (!other) continue;
    const auto consumer = kinesis::parse_consumer_arn(*other);
    if (consumer) arn = to_string(consumer->stream);
    if (!arn && name_of_other == "ResourceARN") arn = other;
  }
  if (!name && !arn) return Refusal{invalid_argument, "Either StreamName or StreamARN must be provided."};
  if (!arn) return *name;
  auto named = stream_of_arn(call, *arn);
  const std::string* const stream = std::get_if<std::string>(&named);
  if (stream != nullptr && name && *name != *stream) {
    return Refusal{invalid_argument, fmt::format("StreamName {} and StreamARN {} do not match.", *name, *arn)};
  }
  return named;
}

Result<std::string> stream_of_arn(const Call& call, const std::string& arn) {
  const auto parsed = kinesis::parse_stream_arn(arn);
  if (!parsed) return Refusal{invalid_argument, fmt::format("StreamARN {} is not valid.", arn)};
  if (parsed->account.id == call.account.id) return parsed->stream;
  return Refusal{resource_not_found,
                 fmt::format("Stream {} under account {} not found.", parsed->stream, parsed->account.id)};
}

Refusal no_stream(const Call& call, std::string_view name) {
  return {resource_not_found, fmt::format("Stream {} under account {} not found.", name, call.account.id)};
}

Check check_created(const Call& call, const StreamDescription& described) {
  const auto created = time_of(call.input, "StreamCreationTimestamp");
  const auto seconds = [](Timestamp time) { return std::chrono::floor<std::chrono::seconds>(time); };
  if (!created || seconds(*created) == seconds(described.created_at)) return std::nullopt;
  auto stream = stream_named(call);
  if (const Refusal* const refused = refusal_of(stream)) return *refused;
  return no_stream(call, std::get<std::string>(stream));
}

Refusal not_active(const Call& call, const std::string& stream, Transitions::State state) {
  return {resource_in_use, fmt::format("Stream {} under account {} not ACTIVE, instead in state {}", stream,
                                       call.account.id, name_of(state))};
}

/// Refuses a stream that is not as the action needs it.
static Check check_state(const Call& call, const std::string& stream) {
  const Transitions::State state = call.environment.transitions.state_of(stream);
  if (call.needs == Needs::created && state == Transitions::State::creating) return no_stream(call, stream);
  if (call.needs != Needs::active || state == Transitions::State::active) return std::nullopt;
  return not_active(call, stream, state);
}

Check with_stream(Call& call, const UseStream& use) {
  return with_stream(call, stream_named(call), use);
}

Check with_stream(Call& call, Result<std::string> name, const UseStream& use) {
  if (const Refusal* const refused = refusal_of(name)) return *refused;
  const std::string& stream_name = std::get<std::string>(name);
  if (!is_stream_name(stream_name)) return no_stream(call, stream_name);
  Check result;
  try {
    call.environment.catalogue.use(stream_name, [&](ServedStream& stream) {
      call.output.take();  // what an attempt before this one wrote
      const StreamDescription described = stream.describe();
      result = check_state(call, stream_name);
      if (!result) result = use(stream, described);
    });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return no_stream(call, stream_name);
  }
  if (!result && call.needs == Needs::active) {
    call.environment.transitions.begin(stream_name, Transitions::State::updating);
  }
  return result;
}

const Shard* find_shard(const ShardMap& map, std::string_view text) {
  const auto id = ShardId::parse(text);
  return id ? map.find(*id) : nullptr;
}

}  // namespace shardlog::serve::api
