#include "tools/stream-get/template_form.h"

#include "shardlog/core/printable.h"
#include "tools/common/json_text.h"
#include "tools/common/times.h"

namespace shardlog::cli {

void TemplateForm::write(const StoredBatch& batch, std::span<const RecordRun> runs) {
  shard_ = batch.shard.to_string();
  for_each_record(batch.records, runs, [&](std::size_t place, const Record& record) {
    if (time_.empty() || batch.arrivals[place] != arrived_at_) set_time(batch.arrivals[place]);
    line_.clear();
    for (const TemplatePart& part : parts_) append(part, record, batch.sequences[place]);
    line_ += '\n';
    output().write(line_);
    end_record();
  });
}

void TemplateForm::set_time(Timestamp arrived_at) {
  arrived_at_ = arrived_at;
  time_ = to_rfc3339(arrived_at_);
  local_time_ = to_local_rfc3339(arrived_at_);
}

void TemplateForm::append(const TemplatePart& part, const Record& record, const SequenceNumber& sequence) {
  using Field = TemplatePart::Field;
  switch (part.field) {
    case Field::text:
      line_ += part.text;
      break;
    case Field::data:
      append_text(record.data);
      break;
    case Field::data_json:
      append_json_text(line_, record.data);
      break;
    case Field::data_base64:
      append_base64(line_, record.data);
      break;
    case Field::key:
      if (record.key) append_text(*record.key);
      break;
    case Field::key_json:
      if (record.key) {
        append_json_string(line_, *record.key);
      } else {
        line_ += "null";
      }
      break;
    case Field::shard:
      line_ += shard_;
      break;
    case Field::sequence:
      line_ += sequence.to_string();
      break;
    case Field::time:
      line_ += time_;
      break;
    case Field::time_local:
      line_ += local_time_;
      break;
    case Field::date:
      line_.append(local_time_, 0, local_time_.find('T'));
      break;
    case Field::hash:
      append_hash(record);
      break;
  }
}

void TemplateForm::append_text(std::string_view text) {
  if (output().is_terminal()) {
    append_printable(line_, text);
  } else {
    line_ += text;
  }
}

void TemplateForm::append_hash(const Record& record) {
  if (record.explicit_hash_key) {
    line_ += record.explicit_hash_key->to_string();
  } else if (record.key) {
    line_ += HashKey::of(*record.key).to_string();
  }
}

}  // namespace shardlog::cli
