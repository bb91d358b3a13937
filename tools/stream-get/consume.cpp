#include "tools/stream-get/consume.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "shardlog/consumer/consumer.h"
#include "shardlog/consumer/process_identity.h"
#include "shardlog/consumer/worker.h"
#include "tools/stream-get/pipe_delivery.h"
#include "tools/stream-get/request.h"

namespace shardlog::cli {

namespace {

constexpr std::uint64_t usual_batch_bytes = 1024UL * 1024;

std::string host_and_pid() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host.front() = '\0';
  return fmt::format("{}:{}", host.data(), ::getpid());
}

/// What the workers have in common, and how they end together.
class Workers {
 public:
  Workers(const GetCommand& command, const Context& context)
      : command_(command),
        context_(context),
        budget_(command.count),
        forward_(context.stop, [this] { stop_.request_stop(); }) {}

  ExitStatus run() {
    auto stream = open_stream();
    const std::string uuid = stream->describe().uuid;
    begin(*stream);
    std::vector<std::jthread> others;
    for (std::uint64_t number = 2; number <= command_.consumer.workers; ++number) {
      others.emplace_back([this, number, &uuid] {
        guard([&] {
          auto own_stream = open_stream();
          work(number, *own_stream, uuid);
        });
      });
    }
    guard([&] { work(1, *stream, uuid); });
    for (std::jthread& other : others) other.join();
    stream.reset();
    if (failure_) std::rethrow_exception(failure_);
    if (reader_is_gone_ && !context_.stop.stop_requested()) die_of(SIGPIPE);
    return partly_ ? ExitStatus::partly : ExitStatus::success;
  }

 private:
  [[nodiscard]] std::unique_ptr<Stream> open_stream() const {
    return open(address_of(command_.stream), context_.open_options(Access::write), context_.clock);
  }

  /// Makes the consumer where it is new.
  void begin(Stream& stream) {
    const Position from = position_of("--from", command_.from, false, context_.clock.now());
    const std::string& name = *command_.consumer.name;
    if (consumer::make_consumer(stream, name, from, context_.clock))
      context_.warn(fmt::format("new consumer {} begins at {}", quote(name), command_.from));
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

  void work(std::uint64_t number, Stream& stream, const std::string& uuid) {
    PipeDelivery delivery(command_, uuid, budget_, context_, stop_.get_token());
    const consumer::WorkerReport report =
        consumer::run_worker(options_of(number), stream, delivery, context_.clock, stop_.get_token());
    if (report.refused) stop_.request_stop();
    const std::lock_guard guard(mutex_);
    partly_ = partly_ || report.missed_records || delivery.partly();
    reader_is_gone_ = reader_is_gone_ || delivery.reader_is_gone();
    tell_left(report.left_to_others);
  }

  [[nodiscard]] consumer::WorkerOptions options_of(std::uint64_t number) const {
    const ConsumerOptions& options = command_.consumer;
    consumer::WorkerOptions result;
    result.consumer = *options.name;
    result.worker = options.worker.value_or(host_and_pid());
    if (options.workers > 1) result.worker += fmt::format("-{}", number);
    result.lease_duration = options.lease_duration;
    result.follow = command_.follow;
    result.idle_exit = command_.idle_exit;
    result.poll = command_.poll;
    result.batch_records = options.batch_records;
    result.batch_bytes = options.batch_bytes.value_or(usual_batch_bytes);
    result.batch_wait = options.batch_wait;
    return result;
  }

  /// Those of workers of this very process are not left.
  void tell_left(const std::vector<Lease>& leases) const {
    for (const Lease& lease : leases) {
      if (lease.owner && lease.owner->process != process_)
        context_.detail(fmt::format("{} is left to worker {}", lease.shard.to_string(), quote(lease.owner->worker)));
    }
  }

  const GetCommand& command_;
  const Context& context_;
  std::string process_ = consumer::process_identity();
  RecordBudget budget_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_;

  std::mutex mutex_;
  // Guarded by the mutex while there are several workers.
  std::exception_ptr failure_;
  bool partly_ = false;
  bool reader_is_gone_ = false;
};

}  // namespace

ExitStatus run_consume(const GetCommand& command, const Context& context) {
  if (command.count == 0) return ExitStatus::success;
  // A reader that goes away is an end to make in order, and only then the signal.
  std::signal(SIGPIPE, SIG_IGN);
  return Workers(command, context).run();
}

}  // namespace shardlog::cli
