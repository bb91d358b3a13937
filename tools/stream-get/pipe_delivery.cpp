#include "tools/stream-get/pipe_delivery.h"

#include <map>

namespace shardlog::cli {

std::vector<consuming::Processed> TakenLedger::take(std::uint64_t taken) {
  std::map<ShardId, SequenceNumber> last;
  for (; !records_.empty() && records_.front().end <= taken; records_.pop_front()) {
    last.insert_or_assign(records_.front().shard, std::move(records_.front().sequence));
  }
  std::vector<consuming::Processed> result;
  result.reserve(last.size());
  for (auto& [shard, sequence] : last) result.push_back({shard, std::move(sequence)});
  return result;
}

PipeDelivery::PipeDelivery(const GetCommand& command, const std::string& uuid, RecordBudget& budget,
                           const Context& context, const std::stop_token& stop)
    : WorkerDelivery(command, budget, context, stop),
      renderer_(command.form, uuid, context.output.is_terminal()),
      output_(stop) {}

bool PipeDelivery::deliver_part(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  if (output_.reader_is_gone()) return false;
  const Rendering& rendering = renderer_.render(batch);
  std::size_t record = 0;
  for (const consuming::Slice& slice : batch.slices) {
    for (std::size_t i = 0; i < slice.count; ++i) {
      ledger_.add(delivered_ + rendering.ends[record++], batch.shard, slice.stored->sequences[slice.first + i]);
    }
  }
  delivered_ += rendering.text.size();
  output_.write(rendering.text, rendering.ends, lifeline);
  return output_.written() == delivered_;
}

/// False if the reader is gone. Also notices a reader that dies while nothing is written: nobody will take what is
/// still in the pipe.
bool PipeDelivery::wants_more() {
  if (watch_.gone().stop_requested()) output_.give_up_reader();
  refused_while_following_ = command().follow && output_.reader_is_gone();
  return !output_.reader_is_gone();
}

}  // namespace shardlog::cli
