#include "tools/stream-get/pipe_delivery.h"

#include "tools/stream-get/gap_text.h"
#include "tools/stream-get/record_run.h"

namespace shardlog::cli {

PipeDelivery::PipeDelivery(const GetCommand& command, const std::string& uuid, RecordBudget& budget,
                           const Context& context, const std::stop_token& stop)
    : strict_(command.strict),
      follow_(command.follow),
      budget_(budget),
      context_(context),
      stop_(stop),
      renderer_(command.form, uuid, context.output.is_terminal()),
      output_(stop) {}

bool PipeDelivery::deliver(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  if (!goes_on()) return false;
  const consuming::Batch part = batch.part(0, budget_.take(batch.records()));
  if (part.slices.empty()) return false;
  const Rendering& rendering = renderer_.render(part);
  std::size_t record = 0;
  for (const consuming::Slice& slice : part.slices) {
    for (std::size_t i = 0; i < slice.count; ++i) {
      ledger_.add(delivered_ + rendering.ends[record++], part.shard, slice.stored->sequences[slice.first + i]);
    }
  }
  delivered_ += rendering.text.size();
  output_.write(rendering.text, rendering.ends, lifeline);
  return goes_on() && output_.written() == delivered_;
}

/// A reader that dies while nothing is written is seen here: what it has left in the pipe nobody will take.
bool PipeDelivery::wants_more() {
  if (watch_.gone().stop_requested()) output_.give_up_reader();
  refused_while_following_ = follow_ && output_.reader_is_gone();
  return !output_.reader_is_gone();
}

bool PipeDelivery::tell(const Gap& gap) {
  context_.message(text_of(gap));
  found_gap_ = true;
  return !strict_;
}

bool PipeDelivery::goes_on() const {
  return !output_.reader_is_gone() && !stop_.stop_requested() && !budget_.is_spent();
}

}  // namespace shardlog::cli
