#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "shardlog/core/record.h"
#include "tools/common/json_reader.h"

namespace shardlog::cli {

/// Reads records as stream-get --json prints them: "data" or "data_base64", and "key" and "hash_key" where there are
/// any. Other members mean nothing, but for "shard" and "sequence" where they are asked for. For one thread at a time.
class JsonRecordReader {
 public:
  explicit JsonRecordReader(bool with_origin = false);

  /// Nothing where there is only white space. What has to be decoded is decoded in its place: the record borrows from
  /// `line`, which is no JSON afterwards. Throws malformed.
  /// REQUIRES: json_padding readable bytes behind `line`
  std::optional<Record> read(std::span<char> line);

  /// The strings "shard" and "sequence" of what was read last, where both are there. They borrow like the record, and
  /// from this object until the next read().
  struct Origin {
    std::string_view shard;
    std::string_view sequence;
  };
  [[nodiscard]] const std::optional<Origin>& origin() const { return origin_; }

 private:
  JsonReader reader_;
  std::optional<Origin> origin_;
};

}  // namespace shardlog::cli
