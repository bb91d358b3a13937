#include "tools/stream-get/exec_delivery.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "tools/common/json_text.h"
#include "tools/common/units.h"
#include "tools/stream-get/tended_poll.h"

namespace shardlog::cli {

namespace {

// POSIX, "Exit Status for Commands": found but not executable, and not found.
constexpr int not_executable = 126;
constexpr int not_found = 127;

constexpr std::array<std::string_view, 6> our_variables{
    "STREAM_NAME=",          "STREAM_SHARD=",      "STREAM_FIRST_SEQUENCE=",
    "STREAM_LAST_SEQUENCE=", "STREAM_FIRST_TIME=", "STREAM_FENCE="};

/// The last part of an address, so that it can be part of a file's name.
std::string name_of(const std::string& address) {
  if (is_of_servers(address)) return name_in(address);
  std::error_code error;
  std::filesystem::path path = std::filesystem::canonical(address, error);
  if (error) path = address;
  return path.filename();
}

/// What every command gets: our own environment and the stream's name.
std::vector<std::string> common_environment(const std::string& address) {
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (std::none_of(our_variables.begin(), our_variables.end(),
                     [text](std::string_view name) { return text.starts_with(name); }))
      result.emplace_back(text);
  }
  result.push_back("STREAM_NAME=" + name_of(address));
  return result;
}

/// Adds where the records of the batch are from.
std::vector<std::string> environment_for(const consuming::Batch& batch, std::vector<std::string> environment) {
  environment.push_back("STREAM_SHARD=" + batch.shard.to_string());
  environment.push_back("STREAM_FIRST_SEQUENCE=" + batch.first_sequence().to_string());
  environment.push_back("STREAM_LAST_SEQUENCE=" + batch.last_sequence().to_string());
  environment.push_back("STREAM_FIRST_TIME=" + to_rfc3339(batch.first_arrival()));
  environment.push_back(fmt::format("STREAM_FENCE={}", batch.epoch));
  return environment;
}

bool cannot_be_run(const Failure& failure) {
  return failure.exit_status == not_executable || failure.exit_status == not_found;
}

/// "shardId-000000000000 1..1000", or of a single record "shardId-000000000000 17".
std::string name_of(const consuming::Batch& batch) {
  const std::string first = batch.first_sequence().to_string();
  const std::string last = batch.last_sequence().to_string();
  return batch.shard.to_string() + " " + (first == last ? first : first + ".." + last);
}

std::string reason_of(const Failure& failure) {
  if (failure.exit_status == 0) return failure.message;  // the output is wrong
  return failure.exit_status > 128 ? fmt::format("killed by signal {}", failure.exit_status - 128)
                                   : fmt::format("exit status {}", failure.exit_status);
}

/// The object that --json prints for the record, with the members exit_status and stderr.
std::string dead_letter(const Failure& failure, const consuming::Batch& record) {
  BatchRenderer json({OutputForm::Kind::json, {}}, {}, false);
  const std::string& line = json.render(record).text;
  std::string object = line.substr(0, line.rfind('}'));
  object += fmt::format(R"(,"exit_status":{},"stderr":)", failure.exit_status);
  append_json_text(object, failure.message);
  return object + '}';
}

}  // namespace

ExecDelivery::ExecDelivery(const GetCommand& command, const Target::Source& source, RecordBudget& budget,
                           const Context& context, const std::stop_token& stop)
    : WorkerDelivery(command, budget, context, stop),
      options_(command.consumer),
      stop_(stop),
      stopping_(stop),
      renderer_(command.form, source.stream_uuid, false),
      environment_(common_environment(address_of(command.stream))) {
  if (options_.into) {
    spool_.emplace(most_output);
    into_.emplace(Target::Kind::output, address_of(*options_.into), command.form, source, context);
  }
  if (options_.on_failure == OnFailure::dead_letter)
    dead_letters_.emplace(Target::Kind::dead_letters, address_of(options_.dead_letters), command.form, source, context);
}

Checkpoint ExecDelivery::start(const Lease& lease) {
  Checkpoint checkpoint = lease.checkpoint;
  // Everything before a dead letter is done too: records of a shard are delivered in their order.
  for (std::optional<Target>* const target : {&into_, &dead_letters_}) {
    const auto done = *target ? (*target)->position(lease) : std::nullopt;
    if (done) checkpoint = later(checkpoint, AfterSequence{*done});
  }
  return checkpoint;
}

/// False if some records of the batch were not dealt with.
bool ExecDelivery::deliver_part(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  AttemptPlan plan(batch.records(), options_.retries);
  while (const auto next = plan.next()) {
    if (stop_requested()) return false;
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

/// Runs the command once, and with --into stores what it printed.
std::optional<Failure> ExecDelivery::attempt(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  tend_if_due(
      lifeline);  // a worker that was stopped for long learns here that it has lost the lease, and starts nothing
  const Rendering& rendering = renderer_.render(batch);
  ChildProcess::Setup setup{*options_.exec, environment_for(batch, environment_), spool_.has_value(),
                            dead_letters_.has_value()};
  const CommandResult result =
      run_command(std::move(setup), context().groups, rendering.text, spool_ ? &*spool_ : nullptr, lifeline);
  if (result.too_much_output) return Failure{0, fmt::format("its output is more than {} MiB", most_output >> 20)};
  if (result.exit_status != 0) return Failure{result.exit_status, result.last_message};
  if (!into_) return std::nullopt;
  try {
    into_->store(batch, spool_->get(), {stop_, [&] { tend_if_due(lifeline); }});
  } catch (const Error& error) {
    // Another worker has stored the output and holds the lease by now; tend() names that worker.
    if (error.code() == ErrorCode::fenced) lifeline.tend();
    const bool was_full = error.code() == ErrorCode::full && stop_requested();
    if (error.code() != ErrorCode::malformed && !was_full) throw;
    return Failure{0, error.what()};
  }
  return std::nullopt;
}

/// False if the failure ends the delivery.
bool ExecDelivery::go_on_after(const Failure& failure, const consuming::Batch& part, AttemptPlan& plan,
                               consuming::Lifeline& lifeline) {
  const auto describe = [&] {
    return fmt::format("--exec {}: {}: {}", quote(*options_.exec), name_of(part), reason_of(failure));
  };
  if (cannot_be_run(failure)) {
    context().message(describe() + ": it cannot be run");
    set_partly();
    return false;
  }
  if (stop_requested()) {
    context().message(describe());
    return false;
  }
  switch (plan.failed()) {
    case AttemptPlan::Then::retry:
      context().detail(fmt::format("{}; attempt {} of {}", describe(), plan.attempts(), options_.retries + 1));
      pause(plan.pause(), lifeline);
      return true;
    case AttemptPlan::Then::halve:
      context().detail(describe() + "; the first half is next");
      return true;
    case AttemptPlan::Then::give_up:
      break;
  }
  if (!leave_out(failure, part, plan.attempts(), lifeline)) return false;
  plan.given_up();
  return true;
}

/// False if --on-failure says stop.
bool ExecDelivery::leave_out(const Failure& failure, const consuming::Batch& record, std::uint64_t attempts,
                             consuming::Lifeline& lifeline) {
  set_partly();
  const std::string what = fmt::format("{}: {}", name_of(record), reason_of(failure));
  switch (options_.on_failure) {
    case OnFailure::stop:
      context().message(
          fmt::format("--exec {}: {}, after {}", quote(*options_.exec), what, format_count(attempts, "attempt")));
      return false;
    case OnFailure::skip:
      context().message(what + "; skipped");
      break;
    case OnFailure::dead_letter:
      store_dead_letter(failure, record, lifeline);
      context().message(fmt::format("{}; put into {}", what, quote(options_.dead_letters)));
      break;
  }
  processed_.push_back({record.shard, record.last_sequence()});
  return true;
}

void ExecDelivery::store_dead_letter(const Failure& failure, const consuming::Batch& record,
                                     consuming::Lifeline& lifeline) {
  const consuming::Slice& slice = record.slices.front();
  Record letter = *std::next(slice.stored->records.begin(), static_cast<std::ptrdiff_t>(slice.first));
  const std::string object = dead_letter(failure, record);
  letter.data = object;
  try {
    dead_letters_->store(record, letter, {stop_, [&] { tend_if_due(lifeline); }});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) throw;
    throw Error(ErrorCode::malformed,
                fmt::format("dead letter {} into {}: {}", name_of(record), quote(options_.dead_letters), error.what()));
  }
}

/// Ends early if a stop is requested.
void ExecDelivery::pause(Duration duration, consuming::Lifeline& lifeline) {
  const Duration end = context().clock.elapsed() + duration;
  while (!stop_requested()) {
    tend_if_due(lifeline);
    const Duration left = end - context().clock.elapsed();
    if (left <= Duration(0)) return;
    pollfd stopping{stopping_.get(), POLLIN, 0};
    tended_poll({&stopping, 1}, left, lifeline, "wait for a retry");
  }
}

}  // namespace shardlog::cli
