#pragma once

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "shardlog/core/bytes.h"
#include "shardlog/core/error.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/log/stream.h"
#include "shardlog/sqlite/batch_row.h"

namespace shardlog::sqlite {

/// Reads payloads straight into memory of the caller's: a result column would copy what is larger than a page. While
/// this object exists the read transaction stays open. The database must outlive it.
class PayloadReader {
 public:
  explicit PayloadReader(SQLite::Database& database) : connection_(database.getHandle()) {}

  /// The payload of a batch that exists. Throws SQLite::Exception.
  Bytes read(std::int64_t batch);

 private:
  struct Close {
    void operator()(sqlite3_blob* blob) const { sqlite3_blob_close(blob); }
  };

  void check(int result) const;

  sqlite3* connection_;
  std::unique_ptr<sqlite3_blob, Close> blob_;
};

/// Throws corrupt, naming the batch, if the payload is damaged or is not the one that its row was made for.
RecordBatch decode_payload(const BatchRow& row, Bytes payload);

/// A batch as it was read, and which of its records are wanted.
struct FetchedBatch {
  BatchRow row;
  std::size_t first = 0;  ///< as in StoredBatch
  std::size_t count = 0;
  Bytes payload;
};

struct DecodedBatches {
  std::vector<StoredBatch> batches;  ///< in their order: all those before the first damaged one
  std::optional<Error> damage;
};

/// Checks and decodes batches. Two threads share large compressed ones, because nothing else in reading takes as long.
DecodedBatches decode(std::vector<FetchedBatch> fetched);

}  // namespace shardlog::sqlite
