#include "tools/input/record_source.h"

#include <optional>
#include <vector>

#include "shardlog/core/frame.h"
#include "tools/common/json_record.h"

namespace shardlog::cli {

namespace {

class JsonRecords final : public RecordSource {
 public:
  void read(std::span<char> piece, const Take& take) override {
    if (const std::optional<Record> record = reader_.read(piece)) take(*record);
  }

 private:
  JsonRecordReader reader_;
};

class FrameRecords final : public RecordSource {
 public:
  void read(std::span<char> piece, const Take& take) override {
    const RecordBatch& batch = batches_.emplace_back(decode_frame({piece.data(), piece.size()}).records);
    for (const Record& record : batch) take(record);
  }

  void release() override { batches_.clear(); }

 private:
  std::vector<RecordBatch> batches_;
};

}  // namespace

std::unique_ptr<RecordSource> make_json_source() {
  return std::make_unique<JsonRecords>();
}

std::unique_ptr<RecordSource> make_frame_source() {
  return std::make_unique<FrameRecords>();
}

}  // namespace shardlog::cli
