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

/// Commits what is ready, as much as there is up to a bound, in one commit.
void commit_all(BoundedQueue<Encoded>& queue, Stream& stream, Sync sync, InFlight& in_flight, Output& output,
                Committed& committed) {
  std::optional<Error> error;
  while (!error) {
    std::optional<Encoded> next = queue.pop();
    if (!next) return;
    std::vector<Encoded> ready;
    std::vector<RoutedBatch> batches;
    std::size_t bytes = 0;
    for (; next; next = bytes < commit_bytes ? queue.try_pop() : std::nullopt) {
      bytes += next->bytes;
      error = next->error;
      ready.push_back(std::move(*next));
      if (error) break;
    }
    std::vector<std::size_t> counts;
    for (Encoded& encoded : ready) {
      counts.push_back(encoded.batches.size());
      std::move(encoded.batches.begin(), encoded.batches.end(), std::back_inserter(batches));
    }
    if (!batches.empty()) {
      const std::vector<SequenceRun> runs = stream.append(batches, sync);
      std::size_t at = 0;
      for (std::size_t i = 0; i < ready.size(); ++i) {
        const auto own = std::span(batches).subspan(at, counts[i]);
        committed.add(own, ready[i].places, std::span(runs).subspan(at, counts[i]));
        at += counts[i];
      }
      output.flush();
    }
    in_flight.remove(ready.size());
  }
  throw *error;
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
    commit_all(encoded, *stream, command.sync, in_flight, context.output, committed);
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
