#include "tools/stream-get/manage_consumer.h"

#include <fmt/format.h>

#include <algorithm>

#include "shardlog/consumer/consumer.h"
#include "shardlog/consumer/process_identity.h"
#include "tools/common/open_stream.h"
#include "tools/stream-get/request.h"

namespace shardlog::cli {

namespace {

bool is_held(Stream& stream, const std::string& name) {
  const auto consumer = stream.consumer(name);
  return consumer && std::any_of(consumer->leases.begin(), consumer->leases.end(), [](const Lease& lease) {
           return lease.owner && !consumer::is_gone(lease.owner->process);
         });
}

void seek(const GetCommand& command, Stream& stream, const Context& context) {
  const ConsumerOptions& options = command.consumer;
  const Position to = position_of("--seek", *options.seek, command.shards.size() == 1, context.clock.now());
  const auto shard = command.shards.empty() ? std::nullopt : std::optional(command.shards.front());
  consumer::seek_consumer(stream, *options.name, to, shard, options.force, context.clock);
}

}  // namespace

ExitStatus run_manage_consumer(const GetCommand& command, const Context& context) {
  const ConsumerOptions& options = command.consumer;
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  try {
    if (options.forget) {
      consumer::forget_consumer(*stream, *options.name, options.force);
    } else {
      seek(command, *stream, context);
    }
  } catch (const Error& error) {
    // Busy is also who waited for a writer in vain: then force is of no use.
    if (error.code() != ErrorCode::busy || options.force || !is_held(*stream, *options.name)) throw;
    throw Error(ErrorCode::busy, fmt::format("{}; --force takes it away", error.what()));
  }
  return ExitStatus::success;
}

}  // namespace shardlog::cli
