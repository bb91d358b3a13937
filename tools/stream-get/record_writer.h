#pragma once

#include <cstddef>
#include <string>

#include "shardlog/stream.h"
#include "tools/common/output.h"
#include "tools/stream-get/options.h"

namespace shardlog::cli {

/// Writes records in the chosen form.
class RecordWriter {
 public:
  /// On a terminal, control characters of the data are escaped.
  RecordWriter(OutputForm form, Output& output) : form_(form), output_(output) {}

  /// The first `count` records of the batch.
  void write(const StoredBatch& batch, std::size_t count);

 private:
  void write_lines(const StoredBatch& batch, std::size_t count);
  void write_printable_lines(const StoredBatch& batch, std::size_t count);
  void write_json(const StoredBatch& batch, std::size_t count);

  OutputForm form_;
  Output& output_;
  std::string line_;
};

}  // namespace shardlog::cli
