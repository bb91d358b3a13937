#include "tools/stream-get/record_writer.h"

#include "shardlog/core/utf8.h"
#include "tools/common/json_text.h"

namespace shardlog::cli {

void RecordWriter::write(const StoredBatch& batch, std::size_t count) {
  switch (form_) {
    case OutputForm::lines:
      return write_lines(batch, count);
    case OutputForm::json:
      return write_json(batch, count);
  }
}

void RecordWriter::write_lines(const StoredBatch& batch, std::size_t count) {
  if (output_.is_terminal()) return write_printable_lines(batch, count);
  const std::string_view lines = batch.records.lines();
  if (count == batch.records.size()) return output_.write(lines);
  std::size_t size = 0;
  for (auto record = batch.records.begin(); count > 0; ++record, --count) size += (*record).data.size() + 1;
  output_.write(lines.substr(0, size));
}

void RecordWriter::write_printable_lines(const StoredBatch& batch, std::size_t count) {
  for (auto record = batch.records.begin(); count > 0; ++record, --count) {
    line_.clear();
    append_printable(line_, (*record).data);
    output_.write(line_ + '\n');
  }
}

void RecordWriter::write_json(const StoredBatch& batch, std::size_t count) {
  const std::string shard = batch.shard.to_string();
  const std::string arrived = to_rfc3339(batch.arrived_at);
  std::size_t index = 0;
  for (auto it = batch.records.begin(); index < count; ++it, ++index) {
    const Record record = *it;
    line_ = R"({"shard":")" + shard + R"(","sequence":")" + batch.sequences[index].to_string() + R"(","key":)";
    if (record.key) {
      append_json_string(line_, *record.key);
    } else {
      line_ += "null";
    }
    if (record.explicit_hash_key) line_ += R"(,"hash_key":")" + record.explicit_hash_key->to_string() + '"';
    line_ += R"(,"arrived":")" + arrived + '"';
    if (utf8_length(record.data)) {
      line_ += R"(,"data":)";
      append_json_string(line_, record.data);
    } else {
      line_ += R"(,"data_base64":)";
      append_json_base64(line_, record.data);
    }
    line_ += "}\n";
    output_.write(line_);
  }
}

}  // namespace shardlog::cli
