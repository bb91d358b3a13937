#pragma once

#include <cstdint>
#include <deque>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "tools/common/output.h"
#include "tools/stream-get/patient_output.h"
#include "tools/stream-get/worker_delivery.h"

namespace shardlog::cli {

/// Knows which records the reader of an output has taken, by where each of them ends in the output.
class TakenLedger {
 public:
  /// Adds a record that ends just before `end`, counted from the start of the output. To be called in the order of the
  /// output.
  void add(std::uint64_t end, ShardId shard, SequenceNumber sequence) {
    records_.push_back({end, shard, std::move(sequence)});
  }

  /// The reader has taken the first `taken` bytes: returns the last record of each shard that is in them. Leaves out
  /// shards without a new record since the last call.
  std::vector<consuming::Processed> take(std::uint64_t taken);

 private:
  struct Entry {
    std::uint64_t end;
    ShardId shard;
    SequenceNumber sequence;
  };

  std::deque<Entry> records_;  // not taken yet
};

/// Prints the records. They are done when the reader of the output has taken them out of the pipe, which does not mean
/// that it has processed them.
class PipeDelivery final : public WorkerDelivery {
 public:
  /// `uuid` is the stream's. All must outlive it. Throws as make_record_writer().
  PipeDelivery(const GetCommand& command, const std::string& uuid, RecordBudget& budget, const Context& context,
               const std::stop_token& stop);

  bool wants_more() override;
  std::stop_token refusal() override { return watch_.gone(); }
  std::vector<consuming::Processed> processed() override { return ledger_.take(output_.taken()); }
  void finish(consuming::Lifeline& lifeline) override { output_.wait_until_taken(lifeline); }

  /// Whether the reader went away before it had read everything. When following, there is always more to come.
  [[nodiscard]] bool reader_is_gone() const {
    return output_.reader_is_gone() && (output_.taken() < delivered_ || refused_while_following_);
  }

 private:
  bool deliver_part(const consuming::Batch& batch, consuming::Lifeline& lifeline) override;

  BatchRenderer renderer_;
  PatientOutput output_;
  ReaderWatch watch_;
  TakenLedger ledger_;
  std::uint64_t delivered_ = 0;  ///< bytes of all records that were delivered, written or not
  bool refused_while_following_ = false;
};

}  // namespace shardlog::cli
