#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "shardlog/consuming/delivery.h"
#include "tools/stream-get/record_writer.h"

namespace shardlog::cli {

/// The records of a batch in one form.
struct Rendering {
  std::string text;
  std::vector<std::uint64_t> ends;  ///< where each record ends in it; records of one frame end together
};

/// Makes the text of a batch in memory. For one thread.
class BatchRenderer {
 public:
  /// `for_terminal` escapes what could control a terminal. Throws as make_record_writer().
  BatchRenderer(const OutputForm& form, const std::string& uuid, bool for_terminal);

  /// Valid until the next call.
  const Rendering& render(const consuming::Batch& batch);

 private:
  Rendering rendering_;
  Output output_;
  std::unique_ptr<RecordWriter> writer_;
};

}  // namespace shardlog::cli
