#include <fmt/format.h>

#include <exception>
#include <iterator>
#include <span>
#include <thread>
#include <utility>

#include "tools/common/bounded_queue.h"
#include "tools/stream-put/batcher.h"
#include "tools/stream-put/chunk_reader.h"
#include "tools/stream-put/options.h"
#include "tools/stream-put/route_again.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t queued_bytes = 8UL * 1024 * 1024;  // between two threads
constexpr std::size_t commit_bytes = 8UL * 1024 * 1024;  // gathered for one commit where more is waiting

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

/// What has been committed, for acknowledgements and for the last words.
class Committed {
 public:
  Committed(Output& output, bool ack) : output_(output), ack_(ack) {}

  void add(std::span<const RoutedBatch> batches, const Places& places, std::span<const SequenceRun> runs) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      records_ += runs[i].size();
      last_ = fmt::format("{} of {}", runs[i].last().to_string(), batches[i].shard.to_string());
    }
    if (!ack_) return;
    for (const auto& [batch, place] : places) {
      output_.write(fmt::format("{}\t{}\n", batches[batch].shard.to_string(), runs[batch][place].to_string()));
    }
  }

  [[nodiscard]] std::string summary() const {
    if (records_ == 0) return "no records committed";
    return fmt::format("{} record{} committed, the last is {}", records_, records_ == 1 ? "" : "s", last_);
  }

 private:
  Output& output_;
  bool ack_;
  std::uint64_t records_ = 0;
  std::string last_;
};

/// All that is ready, up to a bound, as one; nothing at the end of the input.
struct Ready {
  Encoded encoded;
  std::size_t chunks = 0;
};

std::optional<Ready> take_ready(BoundedQueue<Encoded>& queue) {
  std::optional<Encoded> next = queue.pop();
  if (!next) return std::nullopt;
  Ready ready;
  for (; next; next = ready.encoded.bytes < commit_bytes && !ready.encoded.error ? queue.try_pop() : std::nullopt) {
    ++ready.chunks;
    const auto base = static_cast<std::uint32_t>(ready.encoded.batches.size());
    for (const auto& [batch, place] : next->places) ready.encoded.places.emplace_back(base + batch, place);
    std::move(next->batches.begin(), next->batches.end(), std::back_inserter(ready.encoded.batches));
    ready.encoded.bytes += next->bytes;
    ready.encoded.error = std::move(next->error);
  }
  return ready;
}

/// Stores everything in one commit, whatever happens to the shard map meanwhile.
void commit(Stream& stream, Sync sync, Encoded encoded, Batcher& batcher, Committed& committed) {
  if (encoded.batches.empty()) return;
  auto stored = stream.append(encoded.batches, sync);
  while (!stored) {
    const StreamDescription description = stream.describe();
    batcher.use(description.map);
    Router router(description.map, description.last_batch);
    encoded = route_again(std::move(encoded), router);
    stored = stream.append(encoded.batches, sync);
  }
  committed.add(encoded.batches, encoded.places, *stored);
}

void commit_all(BoundedQueue<Encoded>& queue, Stream& stream, Sync sync, InFlight& in_flight, Output& output,
                Batcher& batcher, Committed& committed) {
  while (std::optional<Ready> ready = take_ready(queue)) {
    const std::optional<InputError> error = ready->encoded.error;
    commit(stream, sync, std::move(ready->encoded), batcher, committed);
    output.flush();
    in_flight.remove(ready->chunks);
    if (error) throw Error(error->code, error->message);
  }
}

/// Arrivals never decrease, so a clock that was ahead once marks all records until it is reached.
void warn_of_future(const StreamDescription& stream, const Context& context) {
  if (!stream.last_arrival || *stream.last_arrival <= context.clock.now() + std::chrono::minutes(1)) return;
  context.warn(fmt::format("the newest record is from the future, {}: new ones get that time too until it is reached",
                           to_rfc3339(*stream.last_arrival)));
}

}  // namespace

ExitStatus run_put(const PutCommand& command, const Context& context) {
  const auto stream = open(address_of(command.stream), context.open_options(Access::write), context.clock);
  const StreamDescription description = stream->describe();
  warn_of_future(description, context);
  Batcher batcher(description, command.key, command.ack);
  const std::vector<std::string> files = command.files.empty() ? std::vector<std::string>{"-"} : command.files;

  BoundedQueue<Chunk> chunks(queued_bytes);
  BoundedQueue<Encoded> encoded(queued_bytes);
  InFlight in_flight;
  Committed committed(context.output, command.ack);
  std::stop_source give_up;  // requested when committing failed
  const std::stop_callback forward(context.stop, [&] { give_up.request_stop(); });

  Stage reading(chunks, [&] {
    read_chunks(files, {description.settings.max_record_size, command.linger}, context.clock, in_flight,
                give_up.get_token(), [&](Chunk chunk) {
                  const std::size_t weight = chunk.size;
                  return chunks.push(std::move(chunk), weight);
                });
  });
  Stage encoding(encoded, [&] {
    while (const std::optional<Chunk> chunk = chunks.pop()) {
      Encoded result = batcher.encode(*chunk);
      const std::size_t weight = result.bytes;
      const bool wrong = result.error.has_value();
      if (!encoded.push(std::move(result), weight) || wrong) break;
    }
    chunks.close();
  });

  std::exception_ptr failure;
  try {
    commit_all(encoded, *stream, command.sync, in_flight, context.output, batcher, committed);
  } catch (const Error& error) {
    failure = std::make_exception_ptr(Error(error.code(), fmt::format("{}; {}", error.what(), committed.summary())));
  } catch (...) {
    failure = std::current_exception();
  }
  give_up.request_stop();
  chunks.close();
  encoded.close();
  reading.join();
  encoding.join();
  if (failure) std::rethrow_exception(failure);
  context.detail(committed.summary());
  return ExitStatus::success;
}

}  // namespace shardlog::cli
