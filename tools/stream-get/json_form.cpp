#include "tools/stream-get/json_form.h"

#include "shardlog/core/utf8.h"
#include "tools/common/json_text.h"

namespace shardlog::cli {

void JsonForm::write(const StoredBatch& batch, std::span<const RecordRun> runs) {
  const std::string head = R"({"shard":")" + batch.shard.to_string() + R"(","sequence":")";
  Timestamp arrived_at = batch.arrivals[0];
  const auto member = [](Timestamp time) { return R"(,"arrived":")" + to_rfc3339(time) + '"'; };
  std::string arrived = member(arrived_at);
  for_each_record(batch.records, runs, [&](std::size_t place, const Record& record) {
    line_ = head;
    line_ += batch.sequences[place].to_string();
    line_ += R"(","key":)";
    if (record.key) {
      append_json_string(line_, *record.key);
    } else {
      line_ += "null";
    }
    if (record.explicit_hash_key) line_ += R"(,"hash_key":")" + record.explicit_hash_key->to_string() + '"';
    if (batch.arrivals[place] != arrived_at) arrived = member(arrived_at = batch.arrivals[place]);
    line_ += arrived;
    if (utf8_length(record.data)) {
      line_ += R"(,"data":)";
      append_json_string(line_, record.data);
    } else {
      line_ += R"(,"data_base64":)";
      append_json_base64(line_, record.data);
    }
    line_ += "}\n";
    output().write(line_);
    end_record();
  });
}

}  // namespace shardlog::cli
