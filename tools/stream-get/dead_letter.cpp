#include "tools/stream-get/dead_letter.h"

#include <fmt/format.h>

#include "tools/common/json_text.h"

namespace shardlog::cli {

DeadLetters::DeadLetters(const std::string& stream_uuid)
    : renderer_({OutputForm::Kind::json, {}}, stream_uuid, false) {}

Record DeadLetters::make(const consuming::Batch& batch, const Failure& failure) {
  const consuming::Slice& slice = batch.slices.front();
  const std::string& line = renderer_.render(batch).text;
  object_ = line.substr(0, line.rfind('}'));
  object_ += fmt::format(R"(,"exit_status":{},"stderr":)", failure.exit_status);
  append_json_text(object_, failure.message);
  object_ += '}';
  Record letter{object_, std::nullopt};
  const RecordRun run{slice.first, 1};
  for_each_record(slice.stored->records, {&run, 1}, [&letter](std::size_t, const Record& record) {
    letter.key = record.key;
    letter.explicit_hash_key = record.explicit_hash_key;
  });
  return letter;
}

}  // namespace shardlog::cli
