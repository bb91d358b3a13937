#include "tools/stream-put/record_source.h"

#include <optional>

#include "tools/stream-put/key_source.h"

namespace shardlog::cli {

namespace {

class PlainRecords final : public RecordSource {
 public:
  PlainRecords(const KeyOptions& options, const Framing& framing)
      : keys_(options, framing), explicit_hash_key_(options.hash_key) {}

  void read(std::span<char> piece, const Take& take) override {
    Record record{{piece.data(), piece.size()}, std::nullopt, explicit_hash_key_};
    keys_.find(record);
    take(record, nullptr);
  }

  void use_fields(std::span<const std::uint32_t> numbers) override { keys_.use_fields(numbers); }

  [[nodiscard]] std::string notice() const override { return keys_.notice(); }

  void release() override { keys_.release(); }

 private:
  KeyFinder keys_;
  std::optional<HashKey> explicit_hash_key_;
};

}  // namespace

std::unique_ptr<RecordSource> make_record_source(const Framing& framing, const KeyOptions& key, bool with_origin) {
  if (framing.kind == Framing::Kind::json) return make_json_source(with_origin);
  if (framing.kind == Framing::Kind::frames) return make_frame_source(with_origin);
  return std::make_unique<PlainRecords>(key, framing);
}

}  // namespace shardlog::cli
