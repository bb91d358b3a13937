#pragma once

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <memory>

#include "shardlog/core/bytes.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/sqlite/batch_row.h"

namespace shardlog::sqlite {

/// Reads payloads straight into their owner's memory, without the copy that a result column makes of what is larger
/// than a page. While it exists the read transaction stays open. The database must outlive it.
class PayloadReader {
 public:
  explicit PayloadReader(SQLite::Database& database) : connection_(database.getHandle()) {}

  /// The payload of a batch that is there. Throws SQLite::Exception.
  Bytes read(std::int64_t batch);

 private:
  struct Close {
    void operator()(sqlite3_blob* blob) const { sqlite3_blob_close(blob); }
  };

  void check(int result) const;

  sqlite3* connection_;
  std::unique_ptr<sqlite3_blob, Close> blob_;
};

/// Throws corrupt where the payload is damaged or is not the one that its row was made for. The message names the
/// batch.
RecordBatch decode_payload(const BatchRow& row, Bytes payload);

}  // namespace shardlog::sqlite
