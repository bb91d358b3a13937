#include "tools/stream-get/delimited_form.h"

#include "shardlog/core/printable.h"

namespace shardlog::cli {

void DelimitedForm::write(const StoredBatch& batch, std::span<const RecordRun> runs) {
  if (delimiter_ == "\n" && !output_.is_terminal()) return write_lines(batch.records, runs);
  for_each_record(batch.records, runs, [this](std::size_t, const Record& record) {
    if (output_.is_terminal()) {
      text_.clear();
      append_printable(text_, record.data);
      output_.write(text_);
    } else {
      output_.write(record.data);
    }
    output_.write(delimiter_);
  });
}

/// As they are stored: a whole batch is one write.
void DelimitedForm::write_lines(const RecordBatch& records, std::span<const RecordRun> runs) {
  if (is_whole(records, runs)) return output_.write(records.lines());
  for_each_record(records, runs, [this](std::size_t, const Record& record) {
    output_.write({record.data.data(), record.data.size() + 1});  // the newline stands behind it
  });
}

}  // namespace shardlog::cli
