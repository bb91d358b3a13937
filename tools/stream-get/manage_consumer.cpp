#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/frontier.h"
#include "tools/common/open_stream.h"
#include "tools/common/units.h"
#include "tools/stream-get/options.h"
#include "tools/stream-get/request.h"

namespace shardlog::cli {

namespace {

bool is_held(Stream& stream, const std::string& name) {
  const auto consumer = stream.leases().find(name);
  return consumer && std::any_of(consumer->leases.begin(), consumer->leases.end(), [&](const Lease& lease) {
           return lease.owner && stream.liveness().state_of(lease.owner->process) != Liveness::State::gone;
         });
}

/// How many records the consumer still has to read, including the shards that it has not begun. Unset if the engine
/// cannot tell.
std::optional<std::uint64_t> records_to_go(Stream& stream, const Consumer& consumer) {
  const ShardMap map = stream.describe().map;
  const consuming::Frontier frontier(map, consumer.leases);
  std::vector<ShardStart> starts;
  for (const Shard& shard : map.shards()) {
    const Lease* const lease = frontier.lease(shard.id);
    if (lease == nullptr && frontier.started(shard.id)) continue;  // done
    const Checkpoint from = lease != nullptr ? lease->checkpoint : Checkpoint(Beginning{});
    if (const auto start = consuming::start_at(shard.id, from)) starts.push_back(*start);
  }
  return stream.maintenance().backlog(starts).total();
}

/// ", 3 records to go, 2 records passed over", or as much of it as is known.
std::string to_go_text(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& after) {
  if (!after) return "";
  const std::uint64_t passed_over = before.value_or(0) > *after ? before.value_or(0) - *after : 0;
  return fmt::format(", {} to go{}", format_count(*after, "record"),
                     passed_over == 0 ? "" : fmt::format(", {} passed over", format_count(passed_over, "record")));
}

void seek(const GetCommand& command, Stream& stream, const Context& context) {
  const ConsumerOptions& options = command.consumer;
  const Position to = position_of("--seek", *options.seek, command.shards.size() == 1, context.clock.now());
  const auto shard = command.shards.empty() ? std::nullopt : std::optional(command.shards.front());
  const std::string guess = nearest_consumer(stream, *options.name);
  const auto before = stream.leases().find(*options.name);
  const auto to_go_before = before ? records_to_go(stream, *before) : std::nullopt;
  const bool made = consuming::seek_consumer(stream, *options.name, to, shard,
                                             {.make = options.make, .force = options.force}, context.clock);
  const Consumer consumer = consuming::find_consumer(stream, *options.name);
  const auto to_go = records_to_go(stream, consumer);
  context.warn(fmt::format("{}consumer {}: {} set to {}{}{}", made ? "new " : "", quote(*options.name),
                           shard ? shard->to_string() : format_count(consumer.leases.size(), "shard"), *options.seek,
                           to_go_text(to_go_before, to_go), made ? guess : ""));
}

}  // namespace

ExitStatus run_manage_consumer(const GetCommand& command, const Context& context) {
  const ConsumerOptions& options = command.consumer;
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  try {
    if (options.forget) {
      consuming::forget_consumer(*stream, *options.name, options.force);
    } else {
      seek(command, *stream, context);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found && options.seek && !options.make && !stream->leases().find(*options.name))
      throw Error(ErrorCode::not_found, fmt::format("{}{} --new makes it", error.what(),
                                                    std::string_view(error.what()).ends_with('?') ? "" : ";"));
    // If the wait for another writer took too long, the code is busy too, and --force would not help.
    if (error.code() != ErrorCode::busy || options.force || !is_held(*stream, *options.name)) throw;
    throw Error(ErrorCode::busy, fmt::format("{}; --force takes it away", error.what()));
  }
  return ExitStatus::success;
}

}  // namespace shardlog::cli
