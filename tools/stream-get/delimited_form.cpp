#include "tools/stream-get/delimited_form.h"

#include "shardlog/core/printable.h"

namespace shardlog::cli {

void DelimitedForm::write(const StoredBatch& batch, std::span<const RecordRun> runs) {
  if (delimiter_ == "\n" && !output().is_terminal()) return write_lines(batch.records, runs);
  for_each_record(batch.records, runs, [this](std::size_t, const Record& record) {
    if (output().is_terminal()) {
      text_.clear();
      append_printable(text_, record.data);
      output().write(text_);
    } else {
      output().write(record.data);
    }
    output().write(delimiter_);
    end_record();
  });
}

/// As they are stored: a whole batch is one write.
void DelimitedForm::write_lines(const RecordBatch& records, std::span<const RecordRun> runs) {
  if (is_whole(records, runs) && !notes_ends()) return output().write(records.lines());
  for_each_record(records, runs, [this](std::size_t, const Record& record) {
    output().write({record.data.data(), record.data.size() + 1});  // the newline stands behind it
    end_record();
  });
}

}  // namespace shardlog::cli
