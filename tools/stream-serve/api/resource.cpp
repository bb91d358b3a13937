#include "tools/stream-serve/api/resource.h"

#include <fmt/format.h>

#include "tools/stream-serve/api/kept.h"

namespace shardlog::serve::api {

Check with_resource(Call& call, const UseResource& use) {
  const auto parsed = kinesis::parse_consumer_arn(text_of(call.input, "ResourceARN").value_or(""));
  return with_stream(call, [&](ServedStream& served, const StreamDescription& described) -> Check {
    if (!parsed) return use(served, described, "");
    const auto consumer = find_consumer(described.attributes, parsed->consumer);
    if (consumer && consumer->created == parsed->created) return use(served, described, parsed->consumer);
    return Refusal{resource_not_found, fmt::format("Consumer {} of stream {} under account {} not found.",
                                                   parsed->consumer, parsed->stream.stream, call.account.id)};
  });
}

}  // namespace shardlog::serve::api
