#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/hash_key.h"
#include "shardlog/core/record.h"
#include "shardlog/core/record_batch.h"

namespace shardlog::test {

/// A record that owns its bytes, so that it can be compared with what came out of a batch.
struct OwnedRecord {
  std::string data;
  std::optional<std::string> key{};
  std::optional<HashKey> explicit_hash_key{};

  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;

  friend std::ostream& operator<<(std::ostream& out, const OwnedRecord& record) {
    out << "{data " << quote(record.data);
    if (record.key) out << ", key " << quote(*record.key);
    if (record.explicit_hash_key) out << ", explicit hash key " << record.explicit_hash_key->to_string();
    return out << '}';
  }
};

/// Views of `records`, for encode().
inline std::vector<Record> borrow(const std::vector<OwnedRecord>& records) {
  std::vector<Record> result;
  for (const OwnedRecord& record : records) {
    result.push_back({record.data, record.key, record.explicit_hash_key});
  }
  return result;
}

inline std::vector<OwnedRecord> own(const RecordBatch& batch) {
  std::vector<OwnedRecord> result;
  for (const Record& record : batch) {
    std::optional<std::string> key;
    if (record.key) key = std::string(*record.key);
    result.push_back({std::string(record.data), key, record.explicit_hash_key});
  }
  return result;
}

}  // namespace shardlog::test
