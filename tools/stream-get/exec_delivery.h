#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "tools/common/descriptor.h"
#include "tools/stream-get/attempt_plan.h"
#include "tools/stream-get/batch_renderer.h"
#include "tools/stream-get/command_environment.h"
#include "tools/stream-get/dead_letter.h"
#include "tools/stream-get/record_budget.h"
#include "tools/stream-get/spool.h"
#include "tools/stream-get/target.h"
#include "tools/stream-get/worker_delivery.h"

namespace shardlog::cli {

/// Runs a command for every batch. Records are dealt with when it has exited with 0 and what it printed is stored, or
/// when they were left out after it had failed with them as often as it may.
/// REQUIRES: the signal PIPE is ignored
class ExecDelivery final : public WorkerDelivery {
 public:
  /// All must outlive it. Throws as make_record_writer() and Target.
  ExecDelivery(const GetCommand& command, const Target::Source& source, RecordBudget& budget, const Context& context,
               const std::stop_token& stop);

  Checkpoint start(const Lease& lease) override;
  bool deliver(const consuming::Batch& batch, consuming::Lifeline& lifeline) override;
  bool tell(const Gap& gap) override;
  std::vector<consuming::Processed> processed() override { return std::exchange(processed_, {}); }
  void flush(consuming::Lifeline& /*lifeline*/) override {}
  void finish(consuming::Lifeline& /*lifeline*/) override {}

  [[nodiscard]] bool partly() const override { return partly_; }

 private:
  [[nodiscard]] bool goes_on() const { return !stop_.stop_requested() && !budget_.is_spent(); }
  bool work_through(const consuming::Batch& batch, consuming::Lifeline& lifeline);
  std::optional<Failure> attempt(const consuming::Batch& batch, consuming::Lifeline& lifeline);
  bool go_on_after(const Failure& failure, const consuming::Batch& part, AttemptPlan& plan,
                   consuming::Lifeline& lifeline);
  bool leave_out(const Failure& failure, const consuming::Batch& record, std::uint64_t attempts);
  void pause(Duration duration, consuming::Lifeline& lifeline);

  const GetCommand& command_;
  const ConsumerOptions& options_;
  RecordBudget& budget_;
  const Context& context_;
  std::stop_token stop_;
  StopEvent stopping_;
  BatchRenderer renderer_;
  CommandEnvironment environment_;
  std::optional<Spool> spool_;
  std::optional<Target> into_;
  std::optional<Target> dead_;
  DeadLetters dead_letters_;
  std::vector<consuming::Processed> processed_;
  bool partly_ = false;
};

}  // namespace shardlog::cli
