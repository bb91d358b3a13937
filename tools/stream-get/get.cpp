#include <fmt/format.h>

#include <csignal>
#include <limits>

#include "shardlog/consuming/consumer.h"
#include "shardlog/core/threads.h"
#include "tools/common/open_stream.h"
#include "tools/common/output.h"
#include "tools/stream-get/fetcher.h"
#include "tools/stream-get/options.h"
#include "tools/stream-get/pacer.h"
#include "tools/stream-get/record_filter.h"
#include "tools/stream-get/record_writer.h"
#include "tools/stream-get/request.h"
#include "tools/stream-get/throttling.h"

namespace shardlog::cli {

namespace {

RecordFilter filter_of(const GetCommand& command) {
  std::optional<Sampler> sampler;
  if (command.sample) sampler.emplace(*command.sample, command.sample_by);
  return {command.keys, sampler, command.count.value_or(std::numeric_limits<std::uint64_t>::max())};
}

/// Prints what is read: chooses the records, keeps the pace, and reports gaps.
class Printer {
 public:
  Printer(const GetCommand& command, const Context& context, RecordWriter& writer)
      : command_(command), context_(context), writer_(writer), filter_(filter_of(command)) {
    if (command.follow || command.replay) watch_.emplace();
    if (command.replay) pacer_.emplace(*command.replay, context.clock);
  }

  /// Prints the records that were asked for and leaves out the others that the fetcher reads. Returns whether there was
  /// a gap. If the reader of the output is gone, ends the process by SIGPIPE.
  bool print(Fetcher& fetcher) {
    const auto end = [&fetcher] { fetcher.stop(); };
    const std::stop_callback on_stop(context_.stop, end);
    const std::stop_callback on_reader_gone(command_.follow ? reader_gone() : std::stop_token(), end);
    while (goes_on()) {
      auto result = fetcher.next_if_ready();
      if (!result) {
        context_.output.flush();  // nothing is ready: let the reader have what there is
        result = fetcher.next();
      }
      if (!result && command_.follow && reader_gone().stop_requested()) die_of(SIGPIPE);
      if (!result) break;
      print(*result);
    }
    context_.output.flush();
    return found_gap_;
  }

 private:
  [[nodiscard]] std::stop_token reader_gone() const { return watch_ ? watch_->gone() : std::stop_token(); }

  [[nodiscard]] bool goes_on() const {
    return !filter_.done() && !(command_.strict && found_gap_) && !context_.stop.stop_requested();
  }

  void print(const ReadResult& result) {
    for (const Gap& gap : result.gaps) report(gap);
    for (const StoredBatch& batch : result.batches) {
      if (!goes_on()) return;
      const auto runs = filter_.select(batch);
      if (runs.empty()) continue;
      if (pacer_ && !keep_pace(batch.arrivals[runs.front().first])) return;
      writer_.write(batch, runs);
    }
  }

  void report(const Gap& gap) {
    context_.output.flush();  // the records before the gap appear before the message
    context_.message(text_of(gap));
    found_gap_ = true;
  }

  /// False if a stop interrupted the wait.
  bool keep_pace(Timestamp arrived_at) {
    const Duration wait = pacer_->until_due(arrived_at);
    if (wait > Duration(0)) {
      context_.output.flush();
      const EitherStop interrupted(context_.stop, reader_gone());
      sleep_for(wait, interrupted.token());
      if (reader_gone().stop_requested()) die_of(SIGPIPE);  // as the write that is due next would
    }
    return !context_.stop.stop_requested();
  }

  const GetCommand& command_;
  const Context& context_;
  RecordWriter& writer_;
  RecordFilter filter_;
  std::optional<ReaderWatch> watch_;
  std::optional<Pacer> pacer_;
  bool found_gap_ = false;
};

/// Whether most batches are printed as they are stored.
bool prints_whole_batches(const GetCommand& command) {
  const bool lines = command.form.kind == OutputForm::Kind::delimited && command.form.text == "\n";
  return lines && command.keys.empty() && !command.sample;
}

/// To read ahead pays where decompressing takes most of the time, where the printer or the reader waits, and where the
/// kernel copies what is printed. A pipe is handed pages instead, and its reader needs a processor too.
Reading reading_of(const GetCommand& command, const StreamSettings& settings, bool into_pipe) {
  const bool waits = command.follow || command.replay;
  const bool on_demand = into_pipe && !waits && settings.compression == Compression::none;
  return on_demand ? Reading::on_demand : Reading::ahead;
}

/// Says which shards took over the keys of each closed shard.
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
    request.starts = consuming::starts_of(consuming::find_consumer(*stream, *command.consumer.name));
    request.descendants = true;
    if (request.starts.empty()) return ExitStatus::success;  // the consumer is done; no starts would mean all shards
  }
  const bool is_wide_pipe = widen_output_pipe();
  const Reading reading = reading_of(command, description.settings, is_wide_pipe);
  request.pin_lines = is_wide_pipe && reading == Reading::on_demand && prints_whole_batches(command);
  const auto writer = make_record_writer(command.form, description.uuid, context.output);
  const auto allowance = consuming::allowance_of_reader(*stream, context.clock);
  consuming::ReadMeter meter(*stream, context.clock, "");
  consuming::LimitedReader reader(stream->read(request), *allowance, meter, context.clock,
                                  [&context](const auto& why) { tell_throttling(why, context); });

  Printer printer(command, context, *writer);
  Fetcher fetcher(command, context.clock, reader, reading);
  const bool found_gap = printer.print(fetcher);
  fetcher.finish();
  meter.finish();
  if (command.follow) context.detail(fetcher.wakeups());
  if (context.verbose && command.keys.empty() && !command.descendants)
    tell_children(request.shards, stream->describe().map, context);
  return found_gap ? ExitStatus::partly : ExitStatus::success;
}

}  // namespace shardlog::cli
