#include "tools/stream-get/frame_form.h"

#include <vector>

#include "shardlog/core/frame.h"

namespace shardlog::cli {

FrameForm::FrameForm(std::string uuid, Output& output) : RecordWriter(output), uuid_(std::move(uuid)) {
  if (output.is_terminal()) throw Error(ErrorCode::usage, "--frames: not for a terminal; write to a file or a pipe");
}

void FrameForm::write(const StoredBatch& batch, std::span<const RecordRun> runs) {
  if (is_whole(batch.records, runs) && batch.arrivals.at_once()) {
    return write_frame(batch, runs.front(), batch.records.payload());
  }
  std::vector<Record> records;
  auto run = runs.begin();
  std::size_t first = 0;  // the place of the first one
  for_each_record(batch.records, runs, [&](std::size_t place, const Record& record) {
    if (records.empty()) first = place;
    records.push_back(record);
    const bool last_of_run = place + 1 == run->first + run->count;
    if (!last_of_run && batch.arrivals[place + 1] == batch.arrivals[first]) return;  // a frame has one arrival
    write_frame(batch, {first, records.size()}, encode(records).payload.view());
    records.clear();
    if (last_of_run) ++run;
  });
}

void FrameForm::write_frame(const StoredBatch& batch, const RecordRun& run, std::string_view payload) {
  output().write(frame_header({uuid_, batch.shard, batch.sequences[run.first], batch.arrivals[run.first]}, payload));
  output().write(payload);
  for (std::size_t i = 0; i < run.count; ++i) end_record();  // only a whole frame can be read
}

}  // namespace shardlog::cli
