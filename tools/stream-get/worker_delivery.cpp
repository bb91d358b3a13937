#include "tools/stream-get/worker_delivery.h"

#include "tools/stream-get/record_writer.h"

namespace shardlog::cli {

bool WorkerDelivery::deliver(const consuming::Batch& batch, consuming::Lifeline& lifeline) {
  if (!goes_on()) return false;
  const consuming::Batch part = batch.part(0, budget_.take(batch.records()));
  return !part.slices.empty() && deliver_part(part, lifeline) && goes_on();
}

bool WorkerDelivery::tell(const Gap& gap) {
  context_.message(text_of(gap));
  partly_ = true;
  return !command_.strict;
}

}  // namespace shardlog::cli
