#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "shardlog/core/record.h"
#include "tools/common/json_reader.h"

namespace shardlog::cli {

/// Reads records as stream-get --json prints them: "data" or "data_base64", and "key" and "hash_key" if the record has
/// them. "shard" and "sequence" are read only if asked for; other members are ignored. For one thread at a time.
class JsonRecordReader {
 public:
  explicit JsonRecordReader(bool with_origin = false);

  /// Empty if there is only white space. Values are decoded in place: the record borrows from `line`, which is not JSON
  /// afterwards. Throws malformed.
  /// REQUIRES: json_padding readable bytes after `line`
  std::optional<Record> read(std::span<char> line);

  /// The strings "shard" and "sequence" of the record that was read last, if it had both. They borrow from its line,
  /// and from this object until the next read().
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
