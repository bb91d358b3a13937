#pragma once

#include <optional>
#include <span>

#include "shardlog/core/record.h"
#include "tools/common/json_reader.h"

namespace shardlog::cli {

/// Reads records as stream-get --json prints them: "data" or "data_base64", and "key" and "hash_key" where there are
/// any. Other members mean nothing. For one thread at a time.
class JsonRecordReader {
 public:
  JsonRecordReader();

  /// Nothing where there is only white space. What has to be decoded is decoded in its place: the record borrows from
  /// `line`, which is no JSON afterwards. Throws malformed.
  /// REQUIRES: json_padding readable bytes behind `line`
  std::optional<Record> read(std::span<char> line);

 private:
  JsonReader reader_;
};

}  // namespace shardlog::cli
