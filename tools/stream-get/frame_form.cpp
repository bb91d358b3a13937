#include "tools/stream-get/frame_form.h"

#include <vector>

#include "shardlog/core/frame.h"

namespace shardlog::cli {

FrameForm::FrameForm(std::string uuid, Output& output) : RecordWriter(output), uuid_(std::move(uuid)) {
  if (output.is_terminal()) throw Error(ErrorCode::usage, "--frames: not for a terminal; write to a file or a pipe");
}

void FrameForm::write(const StoredBatch& batch, std::span<const RecordRun> runs) {
  if (is_whole(batch.records, runs)) return write_frame(batch, runs.front(), batch.records.payload());
  std::vector<Record> records;
  auto run = runs.begin();
  for_each_record(batch.records, runs, [&](std::size_t, const Record& record) {
    records.push_back(record);
    if (records.size() < run->count) return;
    // Without the producer's stamp: it is about the last record of the whole batch.
    write_frame(batch, *run, encode(records).payload.view());
    records.clear();
    ++run;
  });
}

void FrameForm::write_frame(const StoredBatch& batch, const RecordRun& run, std::string_view payload) {
  output().write(frame_header({uuid_, batch.shard, batch.sequences[run.first], batch.arrived_at}, payload));
  output().write(payload);
  for (std::size_t i = 0; i < run.count; ++i) end_record();  // only a whole frame can be read
}

}  // namespace shardlog::cli
