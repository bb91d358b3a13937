#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "tools/common/bounded_queue.h"
#include "tools/common/units.h"
#include "tools/stream-put/batcher.h"
#include "tools/stream-put/chunk_reader.h"
#include "tools/stream-put/committed.h"
#include "tools/stream-put/options.h"
#include "tools/stream-put/progress.h"
#include "tools/stream-put/rate_limit.h"
#include "tools/stream-put/route_again.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t queued_bytes = 8UL * 1024 * 1024;    // between two threads
constexpr std::size_t commit_bytes = 8UL * 1024 * 1024;    // gathered for one commit where more is waiting
constexpr std::size_t chunk_size_at_a_rate = 64UL * 1024;  // what waits for its turn is left in the pipe
constexpr std::size_t message_bytes = 512;                 // about the most that one takes in a queue

/// Runs `work` in a thread and closes `queue` behind it. What goes wrong comes out of join().
template <typename Queue>
class Stage {
 public:
  template <typename Work>
  Stage(Queue& queue, Work work)
      : thread_([this, &queue, work = std::move(work)] {
          try {
            work();
          } catch (...) {
            failure_ = std::current_exception();
          }
          queue.close();
        }) {}

  void join() {
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
  std::jthread thread_;
};

/// All that is ready, up to a bound, as one; nothing at the end of the input.
std::optional<Encoded> take_ready(BoundedQueue<Encoded>& queue) {
  std::optional<Encoded> ready = queue.pop();
  while (ready && ready->bytes < commit_bytes && !ready->error) {
    std::optional<Encoded> next = queue.try_pop();
    if (!next) break;
    ready->append(std::move(*next));
  }
  return ready;
}

/// Stores everything in one commit, whatever happens to the shard map meanwhile. Returns the sequence numbers.
std::vector<SequenceRun> commit(Stream& stream, Sync sync, Encoded& encoded, Batcher& batcher) {
  if (encoded.batches.empty()) return {};
  auto stored = stream.append(encoded.batches, sync);
  while (!stored) {
    const StreamDescription description = stream.describe();
    batcher.use(description.map);
    Router router(description.map, description.last_batch);
    encoded = route_again(std::move(encoded), router);
    stored = stream.append(encoded.batches, sync);
  }
  return std::move(*stored);
}

/// Returns how many records were skipped.
std::uint64_t commit_all(BoundedQueue<Encoded>& queue, Stream& stream, Sync sync, InFlight& in_flight,
                         const Context& context, Batcher& batcher, Committed& committed, Progress& progress) {
  std::uint64_t skipped = 0;
  while (std::optional<Encoded> ready = take_ready(queue)) {
    const auto sequences = commit(stream, sync, *ready, batcher);
    const std::uint64_t records = committed.add(*ready, sequences);
    context.output.flush();
    in_flight.remove(ready->chunks);
    if (!ready->skipped.empty()) progress.clear();
    for (const std::string& message : ready->skipped) context.warn(message);
    skipped += ready->skipped.size();
    progress.add(records, ready->input_bytes);
    if (ready->error) throw Error(ready->error->code, ready->error->message);
  }
  return skipped;
}

/// Arrivals never decrease, so a clock that was ahead once marks all records until it is reached.
void warn_of_future(const StreamDescription& stream, const Context& context) {
  if (!stream.last_arrival || *stream.last_arrival <= context.clock.now() + std::chrono::minutes(1)) return;
  context.warn(fmt::format("the newest record is from the future, {}: new ones get that time too until it is reached",
                           to_rfc3339(*stream.last_arrival)));
}

}  // namespace

ExitStatus run_put(const PutCommand& command, const Context& context) {
  check(command);
  const auto stream = open(address_of(command.stream), context.open_options(Access::write), context.clock);
  const StreamDescription description = stream->describe();
  warn_of_future(description, context);
  const std::vector<std::string> files = command.files.empty() ? std::vector<std::string>{"-"} : command.files;
  Progress progress(files, context, command.ack && context.output.is_terminal());

  const std::size_t chunk_size = command.rate ? chunk_size_at_a_rate : usual_chunk_size;
  BoundedQueue<Chunk> chunks(2 * chunk_size);
  BoundedQueue<Encoded> encoded(queued_bytes);
  InFlight in_flight;
  Committed committed(context.output, command.ack);
  std::stop_source give_up;  // requested when committing failed
  const std::stop_callback forward(context.stop, [&] { give_up.request_stop(); });
  RateLimit rate(command.rate, context.clock, give_up.get_token());
  Batcher batcher(description, command, rate.most_at_once());
  const ReadRules rules{command.framing, description.settings.max_record_size, command.skip_errors, command.linger,
                        chunk_size};

  Stage reading(chunks, [&] {
    read_chunks(files, rules, context.clock, in_flight, give_up.get_token(), [&](Chunk chunk) {
      const std::size_t weight = std::max(chunk.size, chunk_size);  // the memory that it takes
      return chunks.push(std::move(chunk), weight);
    });
  });
  Stage encoding(encoded, [&] {
    const auto hand_over = [&](Encoded result, std::size_t records) {
      rate.wait(records);
      const std::size_t weight = result.bytes + message_bytes * result.skipped.size();
      return encoded.push(std::move(result), weight);
    };
    while (std::optional<Chunk> chunk = chunks.pop()) {
      if (!batcher.encode(std::move(*chunk), hand_over)) break;
    }
    chunks.close();
  });

  std::exception_ptr failure;
  std::uint64_t skipped = 0;
  try {
    skipped = commit_all(encoded, *stream, command.sync, in_flight, context, batcher, committed, progress);
  } catch (const Error& error) {
    failure = std::make_exception_ptr(Error(error.code(), fmt::format("{}; {}", error.what(), committed.summary())));
  } catch (...) {
    failure = std::current_exception();
  }
  progress.clear();
  give_up.request_stop();
  chunks.close();
  encoded.close();
  reading.join();
  encoding.join();
  if (failure) std::rethrow_exception(failure);
  if (skipped > 0) context.message(format_count(skipped, "record") + " skipped; " + committed.summary());
  if (skipped == 0) context.detail(committed.summary());
  return skipped > 0 ? ExitStatus::partly : ExitStatus::success;
}

}  // namespace shardlog::cli
