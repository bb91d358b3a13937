#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "shardlog/core/nearest.h"
#include "shardlog/core/threads.h"
#include "shardlog/producing/writer.h"
#include "tools/common/bounded_queue.h"
#include "tools/common/escapes.h"
#include "tools/common/open_stream.h"
#include "tools/common/output.h"
#include "tools/common/units.h"
#include "tools/stream-put/chunk_reader.h"
#include "tools/stream-put/committed.h"
#include "tools/stream-put/encoders.h"
#include "tools/stream-put/options.h"
#include "tools/stream-put/progress.h"
#include "tools/stream-put/rate_limit.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t queued_bytes = 4UL * 1024 * 1024;    // between two threads
constexpr std::size_t commit_bytes = 8UL * 1024 * 1024;    // gathered for one commit where more is waiting
constexpr std::size_t chunk_size_at_a_rate = 64UL * 1024;  // what waits for its turn is left in the pipe
constexpr std::size_t most_encoders = 2;                   // where records are compressed: see tests/bench
constexpr std::size_t message_bytes = 512;                 // about the most that one takes in a queue

/// Runs `work` in a thread and closes `queue` after it. What goes wrong comes out of join().
class Stage {
 public:
  template <typename Queue, typename Work>
  Stage(Queue& queue, Work work)
      : thread_(start_thread([this, &queue, work = std::move(work)] {
          try {
            work();
          } catch (...) {
            failure_ = std::current_exception();
          }
          queue.close();
        })) {}

  void join() {
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
  std::jthread thread_;
};

/// Keeps the first thing that goes wrong.
class FirstFailure {
 public:
  /// What is said of an error, after its own message.
  using Comment = std::function<std::string(const Error& error)>;

  explicit FirstFailure(Comment comment) : comment_(std::move(comment)) {}

  template <typename Work>
  void guard(Work&& work) {
    try {
      std::forward<Work>(work)();
    } catch (const Error& error) {
      keep(error);
    } catch (const std::bad_alloc&) {
      keep(Error(ErrorCode::busy, "out of memory"));
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
    }
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void keep(const Error& error) {
    if (failure_) return;
    failure_ = std::make_exception_ptr(Error(error.code(), fmt::format("{}; {}", error.what(), comment_(error))));
  }

  Comment comment_;
  std::exception_ptr failure_;
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

/// Stores what was encoded, and moves the producer on.
class Appends {
 public:
  /// `description` is that of the stream; `stored` are the places of the producer, where there is one.
  Appends(Stream& stream, const StreamDescription& description, const PutCommand& command,
          const std::vector<Producer>& stored, Encoders& encoders)
      : writer_(stream, description, command.sync, [&encoders](const ShardMap& map) { encoders.use(map); }),
        producer_(command.producer.value_or("")) {
    for (const Producer& producer : stored) places_.emplace(producer.id.source, producer.place.position);
  }

  producing::Written store(producing::Packed packed, const ProducerPlaces& to, const std::stop_token& stop) {
    std::vector<ProducerMove> moves;
    for (const auto& [source, place] : to) {
      const auto from = places_.find(source);
      moves.push_back({{producer_, source}, from == places_.end() ? std::nullopt : std::optional(from->second), place});
    }
    producing::Written written = writer_.store(std::move(packed), moves, stop);
    for (const ProducerMove& move : moves) places_.insert_or_assign(move.id.source, move.to.position);
    return written;
  }

 private:
  producing::Writer writer_;
  std::string producer_;
  std::map<std::string, SequenceNumber> places_;  ///< by source
};

/// Returns how many records these are. Lacking memory here is not an append that stored nothing.
std::uint64_t acknowledge(const producing::Written& written, const std::vector<std::string>& reasons,
                          Committed& committed, const Context& context) {
  try {
    const std::uint64_t records = committed.add(written, reasons);
    context.output.flush();
    return records;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::io, "acknowledge: out of memory");
  }
}

/// Returns how many records were skipped.
std::uint64_t commit_all(BoundedQueue<Encoded>& queue, Appends& appends, InFlight& in_flight, const Context& context,
                         Committed& committed, Progress& progress) {
  std::uint64_t skipped = 0;
  bool noticed = false;
  while (std::optional<Encoded> ready = take_ready(queue)) {
    const producing::Written written = appends.store(std::move(ready->packed), ready->moves, context.stop);
    const std::uint64_t records = acknowledge(written, ready->reasons, committed, context);
    written.check();
    in_flight.remove(ready->chunks);
    if (!ready->skipped.empty() || !ready->notice.empty()) progress.clear();
    if (!ready->notice.empty() && !std::exchange(noticed, true)) context.warn(ready->notice);
    for (const std::string& message : ready->skipped) context.warn(message);
    skipped += ready->skipped_records;
    progress.add(records, ready->input_bytes);
    if (ready->error) throw Error(ready->error->code, ready->error->message);
  }
  return skipped;
}

/// If no FILE exists, the words may have been meant as the record.
std::string advice_on_files(const PutCommand& command) {
  std::string words;
  for (const std::string& file : command.files) {
    std::error_code ignored;
    if (file == "-" || std::filesystem::exists(file, ignored)) return "";
    words += " " + shell_word(file);
  }
  return fmt::format("; did you mean: echo{} | stream-put {}", words, shell_word(shown_name(command.stream)));
}

/// What was probably meant, if not one record could be stored.
std::string advice(const PutCommand& command, const Error& error, const Committed& committed) {
  if (error.code() == ErrorCode::not_found) return advice_on_files(command);
  const bool has_guess = std::string_view(error.what()).find("did you mean") != std::string_view::npos;
  if (error.code() != ErrorCode::malformed || committed.records() > 0 || has_guess) return "";
  if (command.framing.kind == Framing::Kind::json) return "; without --json each line is stored as it is";
  if (command.framing.kind == Framing::Kind::frames) return "; --frames takes what stream-get --frames writes";
  return "";
}

/// Silence would look like a program that hangs.
void tell_of_terminal(const std::vector<std::string>& files, const Context& context) {
  const bool reads_it = std::find(files.begin(), files.end(), "-") != files.end();
  if (reads_it && ::isatty(STDIN_FILENO) != 0) context.warn("reading from the terminal; Ctrl-D ends the input");
}

/// Arrivals never decrease, so a clock that was ahead once marks all records until it is reached.
void warn_of_future(const StreamDescription& stream, const Context& context) {
  if (!stream.last_arrival || *stream.last_arrival <= context.clock.now() + std::chrono::minutes(1)) return;
  context.warn(fmt::format("the newest record is from the future, {}: new ones get that time too until it is reached",
                           to_rfc3339(*stream.last_arrival)));
}

ExitStatus report(std::uint64_t skipped, const Committed& committed, const Context& context) {
  const std::string summary = committed.summary();
  if (skipped == 0 && committed.moved_in_time() == 0) {
    context.detail(summary);
    return ExitStatus::success;
  }
  context.message(skipped == 0 ? summary : format_count(skipped, "record") + " skipped; " + summary);
  return ExitStatus::partly;
}

}  // namespace

ExitStatus run_forget(const PutCommand& command, const Context& context) {
  check(command);
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  if (stream->producers().forget(*command.producer)) return ExitStatus::success;
  std::vector<std::string> names;
  for (const Producer& producer : stream->producers().all()) {
    if (names.empty() || names.back() != producer.id.name) names.push_back(producer.id.name);
  }
  throw Error(ErrorCode::not_found, fmt::format("forget producer {}: no such producer{}", quote(*command.producer),
                                                what_there_is(*command.producer, names)));
}

ExitStatus run_put(const PutCommand& command, const Context& context) {
  check(command);
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  require(!command.producer || stream->capabilities().producers, "--producer", stream->capabilities());
  require(!command.keep_times || stream->capabilities().keeps_arrivals, "--keep-times", stream->capabilities());
  const StreamDescription description = stream->describe();
  warn_of_future(description, context);
  const std::vector<std::string> files = command.files.empty() ? std::vector<std::string>{"-"} : command.files;
  tell_of_terminal(files, context);
  Progress progress(files, context, command.ack && context.output.is_terminal());

  const std::size_t chunk_size = command.rate ? chunk_size_at_a_rate : usual_chunk_size;
  BoundedQueue<Chunk> chunks(chunk_size);
  BoundedQueue<Encoded> encoded(queued_bytes);
  InFlight in_flight;
  Committed committed(context.output, command.ack);
  std::stop_source give_up;  // requested when committing failed
  const std::stop_callback forward(context.stop, [&] { give_up.request_stop(); });
  // Once nobody reads the acknowledgements, store what has been read already, and end.
  std::optional<ReaderWatch> watch;
  if (command.ack) watch.emplace();
  const std::stop_token reader_gone = watch ? watch->gone() : std::stop_token();
  const std::stop_callback end_with_reader(reader_gone, [&] { give_up.request_stop(); });
  RateLimit rate(command.rate, context.clock, give_up.get_token());
  std::vector<Producer> stored;
  if (command.producer) stored = stream->producers().of(*command.producer);
  // What an earlier run has stored is passed over, and so acknowledged by this one.
  if (!stored.empty() && command.sync == Sync::full) stream->make_durable();
  // What is sampled, or known to be stored, follows from all that was before it. Whatever is not compressed is encoded
  // faster than it can be committed, and a second thread would only be in the way of that.
  const bool each_chunk_alone = !command.producer && !command.sample.percent;
  const bool slow_to_encode = description.settings.compression != Compression::none;
  Encoders encoders(each_chunk_alone && slow_to_encode ? most_encoders : 1, [&] {
    std::optional<ExactlyOnce> once;
    if (command.producer) once.emplace(*command.producer, command.framing.kind, stored);
    return std::make_unique<Batcher>(description, command, rate.most_at_once(), std::move(once), context.clock);
  });
  Appends appends(*stream, description, command, stored, encoders);
  const std::uint64_t most = description.settings.max_record_size + command.key.taken_off();
  const ReadRules rules{command.framing, most, command.skip_errors, command.linger, !command.producer, chunk_size};

  std::atomic<bool> all_read = false;
  const auto read = [&] {
    all_read = read_chunks(files, rules, context.clock, in_flight, give_up.get_token(), [&](Chunk chunk) {
      const std::size_t weight = std::max(chunk.size, chunk_size);  // the memory that it takes
      return chunks.push(std::move(chunk), weight);
    });
  };
  const auto encode = [&] {
    const auto hand_over = [&](Encoded result, std::size_t records) {
      rate.wait(records);
      const std::size_t weight = result.bytes + message_bytes * result.skipped.size();
      return encoded.push(std::move(result), weight);
    };
    if (encoders.run(chunks, hand_over) && all_read) encoders.finish(hand_over);
  };

  std::optional<Stage> reading;
  std::optional<Stage> encoding;
  FirstFailure failure([&](const Error& error) { return committed.summary() + advice(command, error, committed); });
  std::uint64_t skipped = 0;
  failure.guard([&] {
    reading.emplace(chunks, read);
    encoding.emplace(encoded, encode);
    skipped = commit_all(encoded, appends, in_flight, context, committed, progress);
  });
  progress.clear();
  give_up.request_stop();
  chunks.close();
  encoded.close();
  for (std::optional<Stage>* const stage : {&reading, &encoding}) {
    if (*stage) failure.guard([&] { (*stage)->join(); });
  }
  failure.rethrow();
  if (reader_gone.stop_requested() && !context.stop.stop_requested() && !all_read) die_of(SIGPIPE);
  return report(skipped, committed, context);
}

}  // namespace shardlog::cli
