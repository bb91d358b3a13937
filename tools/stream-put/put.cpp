#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <exception>
#include <filesystem>
#include <limits>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "shardlog/core/nearest.h"
#include "shardlog/core/threads.h"
#include "tools/common/escapes.h"
#include "tools/common/open_stream.h"
#include "tools/common/output.h"
#include "tools/stream-put/commit_stage.h"
#include "tools/stream-put/encoders.h"

namespace shardlog::cli {

namespace {

// Between two threads. What comes out of the last queue is gathered for two commits: one that is under way, and the
// next.
constexpr std::size_t queued_bytes = 4UL * 1024 * 1024;
constexpr std::size_t least_queued_bytes = 128UL * 1024;
constexpr std::size_t message_bytes = 512;  // about the most that a message takes in a queue
constexpr std::uint64_t rate_pieces_a_second = 20;

/// Spreads records evenly over time. For one thread.
class RateLimit {
 public:
  /// Without a rate, nothing ever waits. `clock` must outlive it.
  RateLimit(std::optional<std::uint64_t> records_a_second, const Clock& clock, std::stop_token stop)
      : rate_(records_a_second), clock_(clock), stop_(std::move(stop)) {}

  /// The most records that may go at once: those of 50 ms, but at least one.
  [[nodiscard]] std::size_t most_at_once() const {
    return rate_ ? std::max<std::size_t>(*rate_ / rate_pieces_a_second, 1) : std::numeric_limits<std::size_t>::max();
  }

  /// Waits until these records may go, or a stop is requested.
  void wait(std::size_t records) {
    if (!rate_ || records == 0) return;
    for (Duration now = clock_.elapsed(); now < next_ && !stop_.stop_requested(); now = clock_.elapsed()) {
      sleep_for(next_ - now, stop_);
    }
    const auto cost = std::chrono::duration<double>(static_cast<double>(records) / static_cast<double>(*rate_));
    next_ = std::max(next_, clock_.elapsed()) + std::chrono::ceil<Duration>(cost);
  }

 private:
  std::optional<std::uint64_t> rate_;
  const Clock& clock_;
  std::stop_token stop_;
  Duration next_{};  ///< when the next records may go
};

template <typename Work>
std::exception_ptr failure_of(Work&& work) {
  try {
    std::forward<Work>(work)();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

/// Words that do not name a FILE may have been meant as the record.
std::string advice_on_files(const PutCommand& command) {
  std::string words;
  for (const std::string& file : command.files) {
    std::error_code ignored;
    if (file == "-" || std::filesystem::exists(file, ignored)) return "";
    words.append(" ").append(shell_word(file));
  }
  return fmt::format("; did you mean: echo{} | stream-put {}", words, shell_word(shown_name(command.stream)));
}

/// What the user probably meant, if not one record could be stored.
std::string advice(const PutCommand& command, const Error& error, std::uint64_t committed) {
  if (error.code() == ErrorCode::not_found) return advice_on_files(command);
  const bool has_guess = std::string_view(error.what()).find("did you mean") != std::string_view::npos;
  if (error.code() != ErrorCode::malformed || committed > 0 || has_guess) return "";
  if (command.framing.kind == Framing::Kind::json) return "; without --json each line is stored as it is";
  if (command.framing.kind == Framing::Kind::frames) return "; --frames takes what stream-get --frames writes";
  return "";
}

/// What earlier runs of the producer have stored. This run passes over it, and so acknowledges it.
std::vector<Producer> stored_by_producer(const PutCommand& command, Stream& stream) {
  if (!command.producer) return {};
  std::vector<Producer> stored = stream.producers().of(*command.producer);
  if (!stored.empty()) stream.make_durable();
  return stored;
}

/// Which records a sample keeps, and which are stored already, depends on earlier chunks, so one thread must see all
/// chunks. Lines without keys that are not compressed are encoded faster than they can be committed. Other records
/// without compression take the processors that are left to spare beside reading and committing; with it, encoding is
/// nearly all of the work. See tests/bench.
std::size_t most_encoders(const PutCommand& command, const StreamDescription& description) {
  constexpr std::size_t most = 4;
  if (command.producer || command.sample_percent) return 1;
  const std::size_t processors = std::max(std::thread::hardware_concurrency(), 1U);
  if (description.settings.compression != Compression::none) return std::min(processors, most);
  return command.as_they_stand() ? 1 : std::clamp<std::size_t>(processors - 1, 1, most);
}

/// One thread reads, one to four threads encode, and the thread of the caller commits.
class Pipeline {
 public:
  /// Everything must outlive it.
  Pipeline(const PutCommand& command, Stream& stream, const StreamDescription& description, const Context& context);

  ExitStatus run();

 private:
  void read();
  void encode();
  void rethrow(const std::exception_ptr& failure) const;
  [[nodiscard]] Error with_advice(const Error& error) const;
  [[nodiscard]] std::unique_ptr<Batcher> make_batcher() const;

  const PutCommand& command_;
  const StreamDescription& description_;
  const Context& context_;
  Progress progress_;
  BoundedQueue<Chunk> chunks_{chunk_size_of(command_)};
  BoundedQueue<Encoded> encoded_{std::clamp(command_.paced.value_or(queued_bytes), least_queued_bytes, queued_bytes)};
  InFlight in_flight_;
  std::optional<ReaderWatch> watch_;  ///< with --ack: if nobody reads the output any more, no more input is read
  std::stop_token reader_gone_;
  EitherStop asked_to_stop_{context_.stop, reader_gone_};
  std::stop_source failed_;
  EitherStop stop_{asked_to_stop_.token(), failed_.get_token()};
  RateLimit rate_{command_.rate, context_.clock, stop_.token()};
  std::vector<Producer> stored_;
  std::atomic<bool> throttled_ = false;  ///< the latest records had to wait for capacity
  Encoders encoders_;
  CommitStage commits_;
  std::atomic<bool> all_read_ = false;
};

Pipeline::Pipeline(const PutCommand& command, Stream& stream, const StreamDescription& description,
                   const Context& context)
    : command_(command),
      description_(description),
      context_(context),
      progress_(command.files, context, command.ack && context.output.is_terminal()),
      watch_(command.ack ? std::optional<ReaderWatch>(std::in_place) : std::nullopt),
      reader_gone_(watch_ ? watch_->gone() : std::stop_token()),
      stored_(stored_by_producer(command, stream)),
      encoders_(most_encoders(command, description), description.map, [this] { return make_batcher(); }),
      commits_(
          stream, description, command, stored_, context, [this](const ShardMap& map) { encoders_.use(map); },
          throttled_) {}

std::unique_ptr<Batcher> Pipeline::make_batcher() const {
  std::optional<ExactlyOnce> once;
  if (command_.producer) once.emplace(*command_.producer, command_.framing.kind, stored_);
  return std::make_unique<Batcher>(description_, command_, rate_.most_at_once(), std::move(once), context_.clock,
                                   &throttled_);
}

void Pipeline::read() {
  const std::uint64_t max_record_size = description_.settings.max_record_size;
  all_read_ = read_chunks(command_, max_record_size, context_.clock, in_flight_, stop_.token(), [this](Chunk chunk) {
    const std::size_t memory = std::max(chunk.input.complete, chunk_size_of(command_));
    return chunks_.push(std::move(chunk), memory);
  });
}

void Pipeline::encode() {
  const bool all_encoded = encoders_.run(chunks_, [this](Encoded&& result) {
    rate_.wait(result.records);
    const std::size_t pieces = command_.paced ? 1 : 0;  // small ones, which take more than their payloads
    const std::size_t memory = result.bytes + message_bytes * (result.skipped.size() + pieces);
    return encoded_.push(std::move(result), memory);
  });
  if (all_encoded && all_read_) encoders_.finish();
}

ExitStatus Pipeline::run() {
  // The failure of this thread, which says what was stored, comes first; then those of the two threads.
  std::array<std::exception_ptr, 3> failures;
  std::array<std::jthread, 2> threads;
  const auto start = [this](auto& queue, std::exception_ptr& failure, void (Pipeline::*work)()) {
    return start_thread([this, &queue, &failure, work] {
      failure = failure_of([&] { (this->*work)(); });
      queue.close();
    });
  };
  failures[0] = failure_of([&] {
    threads[0] = start(chunks_, failures[1], &Pipeline::read);
    threads[1] = start(encoded_, failures[2], &Pipeline::encode);
    commits_.run(encoded_, in_flight_, progress_);
  });
  progress_.clear();
  failed_.request_stop();
  chunks_.close();
  encoded_.close();
  threads = {};
  commits_.write_measures();
  for (const std::exception_ptr& failure : failures) rethrow(failure);
  if (reader_gone_.stop_requested() && !context_.stop.stop_requested() && !all_read_) die_of(SIGPIPE);
  return commits_.report();
}

void Pipeline::rethrow(const std::exception_ptr& failure) const {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const Error& error) {
    throw with_advice(error);
  } catch (const std::bad_alloc&) {
    throw with_advice(Error(ErrorCode::busy, "out of memory"));
  }
}

Error Pipeline::with_advice(const Error& error) const {
  const std::string hint = advice(command_, error, commits_.records());
  return {error.code(), fmt::format("{}; {}{}", error.what(), commits_.summary(), hint)};
}

/// Silence would look like a program that hangs.
void tell_of_terminal(const std::vector<std::string>& files, const Context& context) {
  const bool reads_it = std::ranges::find(files, "-") != files.end();
  if (reads_it && ::isatty(STDIN_FILENO) != 0) context.warn("reading from the terminal; Ctrl-D ends the input");
}

/// Arrival times never decrease. So if a clock was ahead, new records get the arrival time of the newest record until
/// the clock reaches that.
void warn_of_future(const StreamDescription& stream, const Context& context) {
  if (!stream.last_arrival || *stream.last_arrival <= context.clock.now() + std::chrono::minutes(1)) return;
  context.warn(fmt::format("the newest record is from the future, {}: new ones get that time too until it is reached",
                           to_rfc3339(*stream.last_arrival)));
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

/// About the bytes; nullopt if there are no limits. Where records are limited, small ones are assumed: of 100 bytes.
std::optional<std::size_t> stored_in_100_ms(const StreamDescription& description) {
  constexpr std::uint64_t most = 10 * queued_bytes;  // more is not kept waiting in memory
  const capacity::Limits& limits = description.settings.limits;
  if (!limits.write_records && !limits.write_bytes) return std::nullopt;
  const auto of = [most](const std::optional<std::uint64_t>& limit) { return std::min(limit.value_or(most), most); };
  const std::uint64_t of_shard = std::min(of(limits.write_records) * 100, of(limits.write_bytes));
  return of_shard * description.map.open_shards().size() / 10;
}

ExitStatus run_put(PutCommand command, const Context& context) {
  check(command);
  if (command.files.empty()) command.files = {"-"};
  const auto stream = open_stream(address_of(command.stream), Access::write, context);
  require(!command.producer || stream->capabilities().producers, "--producer", stream->capabilities());
  const bool is_durable = stream->capabilities().survives != Capabilities::Survives::process_end;
  require(!command.full_sync_asked || is_durable, "--sync full", stream->capabilities());
  require(!command.keep_times || stream->capabilities().keeps_arrivals, "--keep-times", stream->capabilities());
  const StreamDescription description = stream->describe();
  command.paced = stored_in_100_ms(description);
  command.largest_append = stream->capabilities().largest_append;
  command.sources_per_append = stream->capabilities().sources_per_append;
  warn_of_future(description, context);
  tell_of_terminal(command.files, context);
  return Pipeline(command, *stream, description, context).run();
}

}  // namespace shardlog::cli
