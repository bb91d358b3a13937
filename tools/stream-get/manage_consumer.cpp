#include "tools/stream-get/manage_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "shardlog/consumer/consumer.h"
#include "shardlog/consumer/frontier.h"
#include "shardlog/consumer/process_identity.h"
#include "tools/common/open_stream.h"
#include "tools/common/units.h"
#include "tools/stream-get/nearest_consumer.h"
#include "tools/stream-get/request.h"

namespace shardlog::cli {

namespace {

bool is_held(Stream& stream, const std::string& name) {
  const auto consumer = stream.consumer(name);
  return consumer && std::any_of(consumer->leases.begin(), consumer->leases.end(), [](const Lease& lease) {
           return lease.owner && !consumer::is_gone(lease.owner->process);
         });
}

/// What the consumer has still to read, in shards that it has not begun too.
std::uint64_t records_to_go(Stream& stream, const Consumer& consumer) {
  const ShardMap map = stream.describe().map;
  const consumer::Frontier frontier(map, consumer.leases);
  std::vector<ShardStart> starts;
  for (const Shard& shard : map.shards()) {
    const Lease* const lease = frontier.lease(shard.id);
    if (lease == nullptr && frontier.started(shard.id)) continue;  // done
    const Checkpoint from = lease != nullptr ? lease->checkpoint : Checkpoint(AtSequence{SequenceNumber(0)});
    if (const auto start = consumer::start_at(shard.id, from)) starts.push_back(*start);
  }
  const Backlog backlog = stream.backlog(starts);
  return std::accumulate(backlog.records.begin(), backlog.records.end(), std::uint64_t{0});
}

void seek(const GetCommand& command, Stream& stream, const Context& context) {
  const ConsumerOptions& options = command.consumer;
  const Position to = position_of("--seek", *options.seek, command.shards.size() == 1, context.clock.now());
  const auto shard = command.shards.empty() ? std::nullopt : std::optional(command.shards.front());
  const std::string guess = nearest_consumer(stream, *options.name);
  const bool made = consumer::seek_consumer(stream, *options.name, to, shard,
                                            {.make = options.make, .force = options.force}, context.clock);
  const Consumer consumer = consumer::find_consumer(stream, *options.name);
  context.warn(fmt::format("{}consumer {}: {} set to {}, {} to go{}", made ? "new " : "", quote(*options.name),
                           shard ? shard->to_string() : format_count(consumer.leases.size(), "shard"), *options.seek,
                           format_count(records_to_go(stream, consumer), "record"), made ? guess : ""));
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
    if (error.code() == ErrorCode::not_found && options.seek && !options.make && !stream->consumer(*options.name))
      throw Error(ErrorCode::not_found, fmt::format("{}{} --new makes it", error.what(),
                                                    std::string_view(error.what()).ends_with('?') ? "" : ";"));
    // Busy is also who waited for a writer in vain: then force is of no use.
    if (error.code() != ErrorCode::busy || options.force || !is_held(*stream, *options.name)) throw;
    throw Error(ErrorCode::busy, fmt::format("{}; --force takes it away", error.what()));
  }
  return ExitStatus::success;
}

}  // namespace shardlog::cli
