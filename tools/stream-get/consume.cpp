#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/worker.h"
#include "shardlog/core/threads.h"
#include "tools/common/open_stream.h"
#include "tools/common/units.h"
#include "tools/stream-get/exec_delivery.h"
#include "tools/stream-get/pipe_delivery.h"
#include "tools/stream-get/request.h"

namespace shardlog::cli {

namespace {

std::string host_and_pid() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host.front() = '\0';
  return fmt::format("{}:{}", host.data(), ::getpid());
}

/// Runs the workers of this process, which share a record budget and end together.
class Workers {
 public:
  Workers(const GetCommand& command, const Context& context)
      : command_(command), context_(context), budget_(command.count), forward_(context.stop, [this] {
          stop_.request_stop();
          tell_of_commands();
        }) {}

  ExitStatus run() {
    auto stream = open_stream();
    const std::string uuid = stream->describe().uuid;
    process_ = stream->liveness().self();
    check_before(uuid);
    const Target::Source source{uuid, begin(*stream)};
    std::vector<std::jthread> others;
    guard([&] {
      for (std::uint64_t number = 2; number <= command_.consumer.worker.workers; ++number) {
        others.push_back(start_thread([this, number, &source] {
          guard([&] {
            auto own_stream = open_stream();
            work(number, *own_stream, source);
          });
        }));
      }
      work(1, *stream, source);
    });
    for (std::jthread& other : others) other.join();
    stream.reset();
    if (failure_) std::rethrow_exception(failure_);
    if (!held_any_) tell_of_holders();
    if (reader_is_gone_ && !context_.stop.stop_requested()) die_of(SIGPIPE);
    return partly_ ? ExitStatus::partly : ExitStatus::success;
  }

 private:
  [[nodiscard]] std::unique_ptr<Stream> open_stream() const {
    return cli::open_stream(address_of(command_.stream), Access::write, context_);
  }

  /// Finds what is wrong with the options before a consumer is made.
  void check_before(const std::string& uuid) const {
    const ConsumerOptions& options = command_.consumer;
    const BatchRenderer renderer(command_.form, uuid, !options.exec && context_.output.is_terminal());
    if (options.into) Target(Target::Kind::output, address_of(*options.into), command_.form, {uuid, {}}, context_);
    if (options.on_failure == OnFailure::dead_letter)
      Target(Target::Kind::dead_letters, address_of(options.dead_letters), command_.form, {uuid, {}}, context_);
  }

  /// Makes the consumer if it is new. Returns its UUID.
  std::string begin(Stream& stream) {
    const std::string from_text = written_position(command_);
    const Position from = position_of("--from", from_text, false, context_.clock.now());
    const std::string& name = *command_.consumer.name;
    const std::string guess = nearest_consumer(stream, name);
    if (consuming::make_consumer(stream, name, from, context_.clock)) {
      context_.warn(fmt::format("new consumer {} begins at {}{}", quote(name), from_text, guess));
    } else if (command_.from) {
      context_.warn(fmt::format("--from {} is ignored: consumer {} goes on where it stopped, and --seek sets it",
                                quote(from_text), quote(name)));
    }
    const auto consumer = stream.leases().find(name);
    if (!consumer) throw Error(ErrorCode::not_found, fmt::format("consumer {}: it was removed", quote(name)));
    return consumer->uuid;
  }

  /// Keeps the first error, and lets the other workers end.
  template <typename Work>
  void guard(Work&& work) {
    try {
      std::forward<Work>(work)();
    } catch (...) {
      {
        const std::lock_guard guard(mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
      stop_.request_stop();
    }
  }

  void work(std::uint64_t number, Stream& stream, const Target::Source& source) {
    if (command_.consumer.exec) {
      ExecDelivery delivery(command_, source, budget_, context_, stop_.get_token());
      deliver(number, stream, delivery);
    } else {
      PipeDelivery delivery(command_, source.stream_uuid, budget_, context_, stop_.get_token());
      deliver(number, stream, delivery);
      reader_is_gone_ = delivery.reader_is_gone();
    }
  }

  void deliver(std::uint64_t number, Stream& stream, WorkerDelivery& delivery) {
    const consuming::WorkerReport report =
        consuming::run_worker(options_of(number), stream, delivery, context_.clock, stop_.get_token());
    if (report.refused) stop_.request_stop();
    const std::lock_guard guard(mutex_);
    partly_ = partly_ || report.missed_records || delivery.partly();
    held_any_ = held_any_ || report.held_any;
    note_left(report.left_to_others);
  }

  [[nodiscard]] consuming::WorkerOptions options_of(std::uint64_t number) const {
    consuming::WorkerOptions result = command_.consumer.worker;
    result.consumer = *command_.consumer.name;
    if (result.worker.empty()) result.worker = host_and_pid();
    if (result.workers > 1) result.worker += fmt::format("-{}", number);
    result.follow = command_.follow;
    result.idle_exit = command_.idle_exit;
    result.poll = command_.poll;
    return result;
  }

  /// Without this message, a person might think that the program hangs.
  void tell_of_commands() const {
    if (::isatty(STDERR_FILENO) != 0 && !context_.groups.empty())
      context_.warn("waiting for the command to end; a second Ctrl-C kills it");
  }

  /// Shards that other workers of this process hold do not count.
  void note_left(const std::vector<Lease>& leases) {
    for (const Lease& lease : leases) {
      if (!lease.owner || lease.owner->process == process_) continue;
      context_.detail(fmt::format("{} is left to worker {}", lease.shard.to_string(), quote(lease.owner->worker)));
      holders_.insert(lease.owner->worker);
    }
  }

  /// Without this message, a person might think that the stream is empty.
  void tell_of_holders() const {
    if (::isatty(STDERR_FILENO) == 0 || holders_.empty()) return;
    const std::size_t others = holders_.size() - 1;
    context_.warn(fmt::format("nothing was delivered: the shards of consumer {} are read by worker {}{}",
                              quote(*command_.consumer.name), quote(*holders_.begin()),
                              others == 0 ? "" : " and " + format_count(others, "other")));
  }

  const GetCommand& command_;
  const Context& context_;
  std::string process_;  // of this process, as Liveness::self()
  RecordBudget budget_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_;

  std::mutex mutex_;
  // Guarded by the mutex while there are several workers.
  std::exception_ptr failure_;
  bool partly_ = false;
  bool held_any_ = false;
  std::set<std::string> holders_;  // names of workers of other processes

  bool reader_is_gone_ = false;  // of the only worker that prints
};

}  // namespace

ExitStatus run_consume(const GetCommand& command, const Context& context) {
  if (command.count == 0) return ExitStatus::success;
  // When the reader goes away, store the checkpoints and release the shards first, and only then raise the signal.
  std::signal(SIGPIPE, SIG_IGN);
  return Workers(command, context).run();
}

}  // namespace shardlog::cli
