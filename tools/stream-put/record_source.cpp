#include "tools/stream-put/record_source.h"

#include <optional>
#include <string>
#include <string_view>

#include "tools/stream-put/key_source.h"

namespace shardlog::cli {

namespace {

class PlainRecords final : public RecordSource {
 public:
  explicit PlainRecords(const KeyOptions& options)
      : keys_(make_key_source(options)),
        missing_(options.missing.value_or("error")),
        explicit_hash_key_(options.hash_key) {}

  void read(std::span<char> piece, const Take& take) override {
    Record record{{piece.data(), piece.size()}, std::nullopt, explicit_hash_key_};
    if (keys_ != nullptr) record.key = key_of(record.data);
    take(record, nullptr);
  }

  void release() override {
    if (keys_ != nullptr) keys_->release();
  }

 private:
  std::optional<std::string_view> key_of(std::string_view data) {
    const auto key = keys_->key_of(data);
    if (key || missing_ == "none") return key;
    if (missing_ != "error") return missing_;
    throw Error(ErrorCode::malformed, "no partition key (--missing-key none|KEY takes it)");
  }

  std::unique_ptr<KeySource> keys_;
  std::string missing_;
  std::optional<HashKey> explicit_hash_key_;
};

}  // namespace

std::unique_ptr<RecordSource> make_record_source(const Framing& framing, const KeyOptions& key, bool with_origin) {
  if (framing.kind == Framing::Kind::json) return make_json_source(with_origin);
  if (framing.kind == Framing::Kind::frames) return make_frame_source(with_origin);
  return std::make_unique<PlainRecords>(key);
}

}  // namespace shardlog::cli
