#pragma once

#include <string>
#include <utility>

#include "tools/stream-get/record_writer.h"

namespace shardlog::cli {

/// Frames as in core/frame.h. A whole batch goes out as it is stored; of a part each run of records is a frame.
class FrameForm final : public RecordWriter {
 public:
  /// Throws usage where a terminal would get them.
  FrameForm(std::string uuid, Output& output);

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override;

 private:
  void write_frame(const StoredBatch& batch, const RecordRun& run, std::string_view payload);

  std::string uuid_;
};

}  // namespace shardlog::cli
