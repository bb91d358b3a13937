#include "tools/input/record_source.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/frame.h"
#include "tools/common/json_record.h"

namespace shardlog::cli {

namespace {

class JsonRecords final : public RecordSource {
 public:
  explicit JsonRecords(bool with_origin) : reader_(with_origin) {}

  void read(std::span<char> piece, const Take& take) override {
    const std::optional<Record> record = reader_.read(piece);
    if (!record) return;
    const std::optional<RecordOrigin> origin = origin_of_record();
    take(*record, origin ? &*origin : nullptr);
  }

 private:
  [[nodiscard]] std::optional<RecordOrigin> origin_of_record() const {
    if (!reader_.origin()) return std::nullopt;
    const auto shard = ShardId::parse(reader_.origin()->shard);
    const auto sequence = SequenceNumber::parse(reader_.origin()->sequence);
    if (!shard || !sequence) return std::nullopt;
    return RecordOrigin{shard->to_string(), *sequence};
  }

  JsonRecordReader reader_;
};

/// The next sequence number, counted up digit by digit in decimal.
SequenceNumber next(const SequenceNumber& sequence) {
  std::string digits = "0" + sequence.to_string();
  const std::size_t last = digits.find_last_not_of('9');
  ++digits[last];
  std::fill(digits.begin() + static_cast<std::ptrdiff_t>(last) + 1, digits.end(), '0');
  const auto next = SequenceNumber::parse(std::string_view(digits).substr(digits.front() == '0' ? 1 : 0));
  if (!next) throw Error(ErrorCode::malformed, "frame: its sequence numbers have too many digits");
  return *next;
}

class FrameRecords final : public RecordSource {
 public:
  explicit FrameRecords(bool with_origin) : with_origin_(with_origin) {}

  void read(std::span<char> piece, const Take& take) override {
    Frame frame = decode_frame({piece.data(), piece.size()});
    arrived_at_ = frame.origin.arrived_at;
    const RecordBatch& batch = batches_.emplace_back(std::move(frame.records));
    RecordOrigin origin{frame.origin.stream + "/" + frame.origin.shard.to_string(), frame.origin.first_sequence};
    bool first = true;
    for (const Record& record : batch) {
      if (with_origin_ && !std::exchange(first, false)) origin.sequence = next(origin.sequence);
      if (!take(record, with_origin_ ? &origin : nullptr)) return;
    }
  }

  [[nodiscard]] std::optional<Timestamp> arrived_at() const override { return arrived_at_; }

  void release() override { batches_.clear(); }

 private:
  bool with_origin_;
  Timestamp arrived_at_;
  std::vector<RecordBatch> batches_;
};

}  // namespace

std::unique_ptr<RecordSource> make_json_source(bool with_origin) {
  return std::make_unique<JsonRecords>(with_origin);
}

std::unique_ptr<RecordSource> make_frame_source(bool with_origin) {
  return std::make_unique<FrameRecords>(with_origin);
}

}  // namespace shardlog::cli
