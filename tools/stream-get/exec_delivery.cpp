#include "tools/stream-get/exec_delivery.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "tools/common/units.h"
#include "tools/stream-get/command_run.h"
#include "tools/stream-get/gap_text.h"
#include "tools/stream-get/poll_timeout.h"

namespace shardlog::cli {

namespace {

// POSIX, "Exit Status for Commands": found but not executable, and not found.
constexpr int not_executable = 126;
constexpr int not_found = 127;

bool cannot_be_run(const Failure& failure) {
  return failure.exit_status == not_executable || failure.exit_status == not_found;
}

/// "shardId-000000000000 1..1000", or of a single record "shardId-000000000000 17".
std::string text_of(const consuming::Batch& batch) {
  const std::string first = batch.first_sequence().to_string();
  const std::string last = batch.last_sequence().to_string();
  return batch.shard.to_string() + " " + (first == last ? first : first + ".." + last);
}

std::string text_of(const Failure& failure) {
  if (failure.exit_status == 0) return failure.message;  // it is the output that is wrong
  return failure.exit_status > 128 ? fmt::format("killed by signal {}", failure.exit_status - 128)
                                   : fmt::format("exit status {}", failure.exit_status);
}

}  // namespace

ExecDelivery::ExecDelivery(const GetCommand& command, const Target::Source& source, RecordBudget& budget,
                           const Context& context, const std::stop_token& stop)
    : command_(command),
      options_(command.consumer),
      budget_(budget),
      context_(context),
      stop_(stop),
      stopping_(stop),
      renderer_(command.form, source.stream_uuid, false),
      environment_(address_of(command.stream)),
      dead_letters_(source.stream_uuid) {
  if (options_.into) {
    spool_.emplace();
    into_.emplace(Target::Kind::output, address_of(*options_.into), command.form, source, context);
  }
  if (options_.on_failure == OnFailure::dead_letter)
    dead_.emplace(Target::Kind::dead_letters, address_of(options_.dead_letters), command.form, source, context);
}

Checkpoint ExecDelivery::start(const Lease& lease) {
  Checkpoint checkpoint = lease.checkpoint;
  // What was before a dead letter is done too: records of a shard are delivered in their order.
  for (std::optional<Target>* const target : {&into_, &dead_}) {
    const auto done = *target ? (*target)->position(lease) : std::nullopt;
    if (done) checkpoint = later(checkpoint, AfterSequence{*done});
  }
  return checkpoint;
}

bool ExecDelivery::deliver(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  if (!goes_on()) return false;
  const consuming::Batch part = batch.part(0, budget_.take(batch.records()));
  if (part.slices.empty()) return false;
  return work_through(part, lifeline) && goes_on();
}

bool ExecDelivery::tell(const Gap& gap) {
  context_.message(shardlog::cli::text_of(gap));
  partly_ = true;
  return !command_.strict;
}

/// False where some of it is not dealt with.
bool ExecDelivery::work_through(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  AttemptPlan plan(batch.records(), options_.retries);
  while (const auto next = plan.next()) {
    if (stop_.stop_requested()) return false;
    const consuming::Batch part = batch.part(next->first, next->count);
    if (const auto failure = attempt(part, lifeline)) {
      if (!go_on_after(*failure, part, plan, lifeline)) return false;
    } else {
      processed_.push_back({part.shard, part.last_sequence()});
      plan.succeeded();
    }
  }
  return true;
}

/// Runs the command once, and stores what it printed where that is asked for.
std::optional<Failure> ExecDelivery::attempt(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  // Who was stopped for long and goes on learns here that it has lost the lease, and starts nothing.
  if (lifeline.until_due() <= Duration(0)) lifeline.tend();
  const Rendering& rendering = renderer_.render(batch);
  ChildProcess::Setup setup{*options_.exec, environment_.of(batch), spool_.has_value(), dead_.has_value()};
  CommandRun run(std::move(setup), context_.groups, rendering.text, spool_ ? &*spool_ : nullptr, most_output);
  const CommandRun::Result result = run.run(lifeline);
  if (result.too_much_output) return Failure{0, fmt::format("its output is more than {} MiB", most_output >> 20)};
  if (result.exit_status != 0) return Failure{result.exit_status, result.last_message};
  if (!into_) return std::nullopt;
  try {
    into_->store(batch, spool_->get());
  } catch (const Error& error) {
    // Whoever has stored it holds the lease by now, and that tells who it is.
    if (error.code() == ErrorCode::fenced) lifeline.tend();
    if (error.code() != ErrorCode::malformed) throw;
    return Failure{0, error.what()};
  }
  return std::nullopt;
}

/// Whether there is something to go on with.
bool ExecDelivery::go_on_after(const Failure& failure, const consuming::Batch& part, AttemptPlan& plan,
                               consuming::Lifeline& lifeline) {
  const auto describe = [&] {
    return fmt::format("--exec {}: {}: {}", quote(*options_.exec), text_of(part), text_of(failure));
  };
  if (cannot_be_run(failure)) {
    context_.message(describe() + ": it cannot be run");
    partly_ = true;
    return false;
  }
  if (stop_.stop_requested()) {
    context_.message(describe());
    return false;
  }
  switch (plan.failed()) {
    case AttemptPlan::Then::retry:
      context_.detail(fmt::format("{}; attempt {} of {}", describe(), plan.attempts(), options_.retries + 1));
      pause(plan.pause(), lifeline);
      return true;
    case AttemptPlan::Then::halve:
      context_.detail(describe() + "; on with the first half");
      return true;
    case AttemptPlan::Then::give_up:
      break;
  }
  if (!leave_out(failure, part, plan.attempts())) return false;
  plan.given_up();
  return true;
}

bool ExecDelivery::leave_out(const Failure& failure, const consuming::Batch& record, std::uint64_t attempts) {
  partly_ = true;
  const std::string what = fmt::format("{}: {}", text_of(record), text_of(failure));
  switch (options_.on_failure) {
    case OnFailure::stop:
      context_.message(
          fmt::format("--exec {}: {}, after {}", quote(*options_.exec), what, format_count(attempts, "attempt")));
      return false;
    case OnFailure::skip:
      context_.message(what + "; skipped");
      break;
    case OnFailure::dead_letter: {
      const Record letter = dead_letters_.make(record, failure);
      try {
        dead_->store(record, {&letter, 1});
      } catch (const Error& error) {
        if (error.code() != ErrorCode::malformed) throw;
        throw Error(ErrorCode::malformed, fmt::format("dead letter {} into {}: {}", text_of(record),
                                                      quote(options_.dead_letters), error.what()));
      }
      context_.message(fmt::format("{}; put into {}", what, quote(options_.dead_letters)));
      break;
    }
  }
  processed_.push_back({record.shard, record.last_sequence()});
  return true;
}

/// Ends early when a stop is requested.
void ExecDelivery::pause(Duration duration, consuming::Lifeline& lifeline) {
  const Duration end = context_.clock.elapsed() + duration;
  while (!stop_.stop_requested()) {
    if (lifeline.until_due() <= Duration(0)) lifeline.tend();
    const Duration left = end - context_.clock.elapsed();
    if (left <= Duration(0)) return;
    pollfd stopping{stopping_.get(), POLLIN, 0};
    ::poll(&stopping, 1, poll_timeout(std::min(left, lifeline.until_due())));
  }
}

}  // namespace shardlog::cli
