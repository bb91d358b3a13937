#pragma once

#include <string>

#include "tools/stream-get/record_writer.h"

namespace shardlog::cli {

/// A JSON object a line; stream-get(1) lists the members. It is the same on a terminal: all of it is escaped anyway.
class JsonForm final : public RecordWriter {
 public:
  using RecordWriter::RecordWriter;

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override;

 private:
  std::string line_;
};

}  // namespace shardlog::cli
