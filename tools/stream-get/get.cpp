#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "tools/common/bounded_queue.h"
#include "tools/common/units.h"
#include "tools/stream-get/options.h"
#include "tools/stream-get/record_writer.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t piece_bytes = 4UL * 1024 * 1024;   // read from the stream at once
constexpr std::size_t queued_bytes = 8UL * 1024 * 1024;  // between reading and writing
constexpr int pipe_size = 1024 * 1024;
constexpr Duration longest_wait = std::chrono::hours(1);

Position position_of(const std::string& option, const std::string& text, Timestamp now) {
  const auto position = parse_position(text, now);
  if (!position) {
    throw Error(ErrorCode::usage,
                fmt::format("{} {}: a position is trim-horizon, latest, an RFC 3339 time, @EPOCH, now, or a "
                            "relative time such as -10m",
                            option, quote(text)));
  }
  return *position;
}

ReadRequest make_request(const GetCommand& command, Timestamp now) {
  ReadRequest request;
  request.shards = command.shards;
  request.descendants = command.descendants;
  request.from = position_of("--from", command.from, now);
  if (command.until) request.until = position_of("--until", *command.until, now);
  request.follow = command.follow;
  request.notice = !command.poll;
  if (std::holds_alternative<Latest>(request.from) && !command.follow) {
    throw Error(ErrorCode::usage, "--from latest: nothing is there yet; it takes --follow");
  }
  return request;
}

/// Reads ahead of the writing. Counts what woke it, for -v.
class Fetcher {
 public:
  Fetcher(const GetCommand& command, const Context& context, Reader& reader,
          BoundedQueue<std::vector<StoredBatch>>& queue)
      : command_(command), context_(context), reader_(reader), queue_(queue) {}

  void run(const std::stop_token& stop) {
    Duration last_arrival = context_.clock.elapsed();
    while (!stop.stop_requested()) {
      ReadResult result = reader_.next(piece_bytes);
      const bool was_empty = result.batches.empty();
      if (!was_empty) {
        last_arrival = context_.clock.elapsed();
        std::size_t weight = 0;
        for (const StoredBatch& batch : result.batches) weight += batch.records.lines().size();
        if (!queue_.push(std::move(result.batches), weight)) return;
      }
      if (result.at_end) return;
      if (!was_empty) continue;
      const Duration idle = context_.clock.elapsed() - last_arrival;
      if (command_.idle_exit && idle >= *command_.idle_exit) return;
      const Duration wait = command_.idle_exit ? *command_.idle_exit - idle : longest_wait;
      const bool woken = reader_.wait(std::min(wait, command_.poll.value_or(longest_wait)), stop);
      ++(woken ? by_commit_ : by_time_);
    }
  }

  [[nodiscard]] std::string wakeups() const {
    return fmt::format("woken {} times by commits, {} times to look", by_commit_, by_time_);
  }

 private:
  const GetCommand& command_;
  const Context& context_;
  Reader& reader_;
  BoundedQueue<std::vector<StoredBatch>>& queue_;
  std::uint64_t by_commit_ = 0;
  std::uint64_t by_time_ = 0;
};

/// Where the records of a closed shard's keys went on.
void tell_children(const GetCommand& command, const ShardMap& map, const Context& context) {
  for (const ShardId id : command.shards) {
    if (map.find(id)->open()) continue;
    std::string children;
    for (const Shard& child : map.children_of(id)) children += (children.empty() ? "" : " and ") + child.id.to_string();
    context.detail(fmt::format("{} is closed; {} took over", id.to_string(), children));
  }
}

}  // namespace

ExitStatus run_get(const GetCommand& command, const Context& context) {
  const auto stream = open(address_of(command.stream), context.open_options(Access::read), context.clock);
  const auto reader = stream->read(make_request(command, context.clock.now()));
  ::fcntl(STDOUT_FILENO, F_SETPIPE_SZ, pipe_size);  // where it is a pipe: fewer, larger writes

  BoundedQueue<std::vector<StoredBatch>> queue(queued_bytes);
  Fetcher fetcher(command, context, *reader, queue);
  std::stop_source enough;
  const std::stop_callback forward(context.stop, [&] {
    enough.request_stop();
    queue.close();
  });
  std::exception_ptr failure;
  std::jthread fetching([&] {
    try {
      fetcher.run(enough.get_token());
    } catch (...) {
      failure = std::current_exception();
    }
    queue.close();
  });

  RecordWriter writer(command.form, context.output);
  std::uint64_t left = command.count.value_or(std::numeric_limits<std::uint64_t>::max());
  try {
    while (left > 0 && !context.stop.stop_requested()) {
      auto batches = queue.try_pop();
      if (!batches) {
        context.output.flush();  // nothing is ready: let the reader have what there is
        batches = queue.pop();
      }
      if (!batches) break;
      for (const StoredBatch& batch : *batches) {
        const std::size_t count = std::min<std::uint64_t>(left, batch.records.size());
        writer.write(batch, count);
        left -= count;
      }
    }
    context.output.flush();
  } catch (...) {
    enough.request_stop();
    queue.close();
    throw;
  }
  enough.request_stop();
  queue.close();
  fetching.join();
  if (command.follow) context.detail(fetcher.wakeups());
  if (context.verbose && !command.descendants) tell_children(command, stream->describe().map, context);
  if (failure) std::rethrow_exception(failure);
  return ExitStatus::success;
}

}  // namespace shardlog::cli
