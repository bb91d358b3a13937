#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "tools/common/descriptor.h"
#include "tools/stream-get/attempt_plan.h"
#include "tools/stream-get/command_run.h"
#include "tools/stream-get/target.h"
#include "tools/stream-get/worker_delivery.h"

namespace shardlog::cli {

/// How a command has failed.
struct Failure {
  int exit_status = 0;
  std::string message;  ///< the last line on its standard error, or what is wrong with its output
};

/// Runs a command for every batch. Records are done when the command has exited with 0 and its output is stored, or
/// when they were left out because the command still failed for them after the last retry.
/// REQUIRES: SIGPIPE is ignored
class ExecDelivery final : public WorkerDelivery {
 public:
  /// All must outlive it. Throws as make_record_writer() and Target.
  ExecDelivery(const GetCommand& command, const Target::Source& source, RecordBudget& budget, const Context& context,
               const std::stop_token& stop);

  Checkpoint start(const Lease& lease) override;
  std::vector<consuming::Processed> processed() override { return std::exchange(processed_, {}); }

 private:
  bool deliver_part(const consuming::Batch& batch, consuming::Lifeline& lifeline) override;
  std::optional<Failure> attempt(const consuming::Batch& batch, consuming::Lifeline& lifeline);
  bool go_on_after(const Failure& failure, const consuming::Batch& part, AttemptPlan& plan,
                   consuming::Lifeline& lifeline);
  bool leave_out(const Failure& failure, const consuming::Batch& record, std::uint64_t attempts,
                 consuming::Lifeline& lifeline);
  void store_dead_letter(const Failure& failure, const consuming::Batch& record, consuming::Lifeline& lifeline);
  void pause(Duration duration, consuming::Lifeline& lifeline);

  const ConsumerOptions& options_;
  std::stop_token stop_;
  StopEvent stopping_;
  BatchRenderer renderer_;
  std::vector<std::string> environment_;  ///< of every command
  std::optional<Spool> spool_;
  std::optional<Target> into_;
  std::optional<Target> dead_letters_;
  std::vector<consuming::Processed> processed_;
};

}  // namespace shardlog::cli
