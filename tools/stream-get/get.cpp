#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <limits>
#include <thread>

#include "shardlog/consuming/consumer.h"
#include "shardlog/core/either_stop.h"
#include "shardlog/core/threads.h"
#include "tools/common/open_stream.h"
#include "tools/common/output.h"
#include "tools/stream-get/fetcher.h"
#include "tools/stream-get/gap_text.h"
#include "tools/stream-get/options.h"
#include "tools/stream-get/pacer.h"
#include "tools/stream-get/record_filter.h"
#include "tools/stream-get/record_writer.h"
#include "tools/stream-get/request.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t queued_bytes = 8UL * 1024 * 1024;  // between reading and writing
constexpr int pipe_size = 1024 * 1024;

RecordFilter filter_of(const GetCommand& command) {
  std::optional<Sampler> sampler;
  if (command.sample) sampler.emplace(*command.sample, command.sample_by);
  return {command.keys, sampler, command.count.value_or(std::numeric_limits<std::uint64_t>::max())};
}

/// Prints what was read: chooses the records, keeps the pace, and tells of gaps.
class Delivery {
 public:
  Delivery(const GetCommand& command, const Context& context, RecordWriter& writer, const std::stop_token& reader_gone)
      : context_(context),
        reader_gone_(reader_gone),
        no_pace_(context.stop, reader_gone),
        writer_(writer),
        filter_(filter_of(command)),
        strict_(command.strict) {
    if (command.replay) pacer_.emplace(*command.replay, context.clock);
  }

  /// Whether more is wanted.
  [[nodiscard]] bool goes_on() const {
    return !filter_.done() && !(strict_ && found_gap_) && !context_.stop.stop_requested();
  }

  void deliver(const ReadResult& result) {
    for (const Gap& gap : result.gaps) tell(gap);
    for (const StoredBatch& batch : result.batches) {
      if (!goes_on()) return;
      const auto runs = filter_.select(batch);
      if (runs.empty()) continue;
      if (pacer_ && !keep_pace(batch.arrivals[runs.front().first])) return;
      writer_.write(batch, runs);
    }
  }

  [[nodiscard]] bool found_gap() const { return found_gap_; }

 private:
  void tell(const Gap& gap) {
    context_.output.flush();  // what was before it comes before it
    context_.message(text_of(gap));
    found_gap_ = true;
  }

  /// False where the wait was interrupted.
  bool keep_pace(Timestamp arrived_at) {
    const Duration wait = pacer_->until_due(arrived_at);
    if (wait > Duration(0)) {
      context_.output.flush();
      sleep_for(wait, no_pace_.token());
      if (reader_gone_.stop_requested()) die_of(SIGPIPE);  // as the write that is due then would
    }
    return !context_.stop.stop_requested();
  }

  const Context& context_;
  std::stop_token reader_gone_;
  EitherStop no_pace_;
  RecordWriter& writer_;
  RecordFilter filter_;
  std::optional<Pacer> pacer_;
  bool strict_;
  bool found_gap_ = false;
};

/// What a consumer would read.
std::vector<ShardStart> starts_of_consumer(Stream& stream, const std::string& name) {
  return consuming::starts_of(consuming::find_consumer(stream, name));
}

/// Where the records of a closed shard's keys went on.
void tell_children(const std::vector<ShardId>& shards, const ShardMap& map, const Context& context) {
  for (const ShardId id : shards) {
    if (map.find(id)->open()) continue;
    std::string children;
    for (const Shard& child : map.children_of(id)) children += (children.empty() ? "" : " and ") + child.id.to_string();
    context.detail(fmt::format("{} is closed; {} took over", id.to_string(), children));
  }
}

}  // namespace

ExitStatus run_get(const GetCommand& command, const Context& context) {
  const auto stream = open_stream(address_of(command.stream), Access::read, context);
  const StreamDescription description = stream->describe();
  ReadRequest request = make_request(command, description.map, context.clock.now());
  if (command.consumer.name) {
    request.starts = starts_of_consumer(*stream, *command.consumer.name);
    request.descendants = true;
    if (request.starts.empty()) return ExitStatus::success;  // otherwise that would be all shards
  }
  const auto writer = make_record_writer(command.form, description.uuid, context.output);
  const auto reader = stream->read(request);
  ::fcntl(STDOUT_FILENO, F_SETPIPE_SZ, pipe_size);  // where it is a pipe: fewer, larger writes

  BoundedQueue<ReadResult> queue(queued_bytes);
  Fetcher fetcher(command, context.clock, *reader, queue);
  std::stop_source enough;
  const std::stop_callback forward(context.stop, [&] {
    enough.request_stop();
    queue.close();
  });
  std::optional<ReaderWatch> watch;
  if (command.follow || command.replay) watch.emplace();
  const std::stop_token reader_gone = watch ? watch->gone() : std::stop_token();
  const std::stop_callback wake(reader_gone, [&] {
    if (command.follow) queue.close();
  });
  std::exception_ptr failure;
  std::jthread fetching = start_thread([&] {
    try {
      fetcher.run(enough.get_token());
    } catch (...) {
      failure = std::current_exception();
    }
    queue.close();
  });

  Delivery delivery(command, context, *writer, reader_gone);
  try {
    while (delivery.goes_on()) {
      auto result = queue.try_pop();
      if (!result) {
        context.output.flush();  // nothing is ready: let the reader have what there is
        result = queue.pop();
      }
      if (!result && command.follow && reader_gone.stop_requested()) die_of(SIGPIPE);
      if (!result) break;
      delivery.deliver(*result);
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
  if (context.verbose && command.keys.empty() && !command.descendants)
    tell_children(request.shards, stream->describe().map, context);
  if (failure) std::rethrow_exception(failure);
  return delivery.found_gap() ? ExitStatus::partly : ExitStatus::success;
}

}  // namespace shardlog::cli
