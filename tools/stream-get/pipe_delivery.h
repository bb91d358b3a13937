#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "tools/common/output.h"
#include "tools/stream-get/batch_renderer.h"
#include "tools/stream-get/patient_output.h"
#include "tools/stream-get/record_budget.h"
#include "tools/stream-get/taken_ledger.h"
#include "tools/stream-get/worker_delivery.h"

namespace shardlog::cli {

/// Prints the records. They are dealt with when who reads the output has taken them out of the pipe, which is not the
/// same as processed.
class PipeDelivery final : public WorkerDelivery {
 public:
  /// `uuid` is the stream's. All must outlive it. Throws as make_record_writer().
  PipeDelivery(const GetCommand& command, const std::string& uuid, RecordBudget& budget, const Context& context,
               const std::stop_token& stop);

  bool deliver(const consuming::Batch& batch, consuming::Lifeline& lifeline) override;
  bool wants_more() override;
  std::stop_token refusal() override { return watch_.gone(); }
  bool tell(const Gap& gap) override;
  std::vector<consuming::Processed> processed() override { return ledger_.take(output_.taken()); }
  void flush(consuming::Lifeline& /*lifeline*/) override {}  // nothing is gathered
  void finish(consuming::Lifeline& lifeline) override { output_.wait_until_taken(lifeline); }

  [[nodiscard]] bool partly() const override { return found_gap_; }

  /// Whether it went away before it had read everything; when following there is always more to come.
  [[nodiscard]] bool reader_is_gone() const {
    return output_.reader_is_gone() && (output_.taken() < delivered_ || refused_while_following_);
  }

 private:
  [[nodiscard]] bool goes_on() const;

  bool strict_;
  bool follow_;
  RecordBudget& budget_;
  const Context& context_;
  std::stop_token stop_;
  BatchRenderer renderer_;
  PatientOutput output_;
  ReaderWatch watch_;
  TakenLedger ledger_;
  std::uint64_t delivered_ = 0;  ///< bytes of what was delivered, written or not
  bool found_gap_ = false;
  bool refused_while_following_ = false;
};

}  // namespace shardlog::cli
