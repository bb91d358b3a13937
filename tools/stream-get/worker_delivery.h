#pragma once

#include "shardlog/consuming/delivery.h"

namespace shardlog::cli {

/// What stream-get does with the records of a worker, and how that went.
class WorkerDelivery : public consuming::Delivery {
 public:
  /// Whether something is amiss that the exit status is to tell: records were left out, or it ended at a failure.
  [[nodiscard]] virtual bool partly() const = 0;
};

}  // namespace shardlog::cli
