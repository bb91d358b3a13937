#pragma once

#include <string>
#include <utility>

#include "tools/stream-get/record_writer.h"

namespace shardlog::cli {

/// The data of each record and a delimiter behind it.
class DelimitedForm final : public RecordWriter {
 public:
  DelimitedForm(std::string delimiter, Output& output) : RecordWriter(output), delimiter_(std::move(delimiter)) {}

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override;

 private:
  void write_lines(const RecordBatch& records, std::span<const RecordRun> runs);

  std::string delimiter_;
  std::string text_;
};

}  // namespace shardlog::cli
