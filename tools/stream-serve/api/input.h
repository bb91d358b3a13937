#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/stream-serve/api/action.h"

/// How actions read their requests.
namespace shardlog::serve::api {

std::optional<std::string> text_of(const wire::Value& input, std::string_view name);
std::optional<std::int64_t> number_of(const wire::Value& input, std::string_view name);
std::optional<Timestamp> time_of(const wire::Value& input, std::string_view name);

/// The stream that StreamName, StreamARN, ResourceARN or ConsumerARN names.
Result<std::string> stream_named(const Call& call);

/// The stream with this ARN, if it is one of the server's account.
Result<std::string> stream_of_arn(const Call& call, const std::string& arn);

/// "Stream NAME under account 000000000000 not found."
Refusal no_stream(const Call& call, std::string_view name);

/// "Stream NAME under account 000000000000 not ACTIVE, instead in state UPDATING"
Refusal not_active(const Call& call, const std::string& stream, Transitions::State state);

/// Refuses a stream that was not created at StreamCreationTimestamp, to the second, if the request has that.
Check check_created(const Call& call, const StreamDescription& described);

/// Calls `use` with the stream that the request names, and its description. If there is none, refuses.
using UseStream = std::function<Check(ServedStream&, const StreamDescription&)>;
Check with_stream(Call& call, const UseStream& use);
/// The same for a stream that the request names in another way.
Check with_stream(Call& call, Result<std::string> name, const UseStream& use);

/// A shard in the form of the API, or a number; nullopt unless the stream has it.
const Shard* find_shard(const ShardMap& map, std::string_view text);

}  // namespace shardlog::serve::api
