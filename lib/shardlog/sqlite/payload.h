#pragma once

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
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/segment_row.h"

namespace shardlog::sqlite {

/// Reads payloads straight into memory of the caller's: a result column would copy what is larger than a page. While
/// this object exists the read transaction stays open.
class PayloadReader {
 public:
  /// Both must outlive it. `segments` is nullptr if the stream has none. `pin_lines` is that of a ReadRequest.
  PayloadReader(Database& database, SegmentReader* segments, bool pin_lines = false)
      : connection_(database.getHandle()), segments_(segments), pin_lines_(pin_lines) {}

  /// The payload of a batch that exists. Empty if it is in a segment that is gone: look in a new snapshot whether the
  /// batch is still there. Throws SQLite::Exception, and corrupt, naming the batch.
  std::optional<StoredPayload> read(const BatchRow& row);

  /// Where that payload is, if it is in a segment.
  [[nodiscard]] const std::optional<PayloadPlace>& place() const { return place_; }

 private:
  struct Close {
    void operator()(sqlite3_blob* blob) const { sqlite3_blob_close(blob); }
  };

  Bytes read_column(std::int64_t batch);
  void check(int result) const;

  sqlite3* connection_;
  SegmentReader* segments_;
  bool pin_lines_;
  std::optional<PayloadPlace> place_;
  std::unique_ptr<sqlite3_blob, Close> blob_;
};

/// What is wrong with a batch that is there while the segment with its payload is not.
Error segment_missing(const BatchRow& row, const PayloadPlace& place);

/// Throws corrupt, naming the batch, if the payload is damaged or is not the one that its row was made for.
RecordBatch decode_payload(const BatchRow& row, Bytes payload);

/// A batch as it was read, and which of its records are wanted.
struct FetchedBatch {
  BatchRow row;
  std::size_t first = 0;  ///< as in StoredBatch
  std::size_t count = 0;
  StoredPayload payload{};
};

struct DecodedBatches {
  std::vector<StoredBatch> batches;  ///< in their order: all those before the first damaged one
  std::optional<Error> damage;
};

/// Checks and decodes batches. Up to four threads share large compressed ones, as many as there are processors: nothing
/// else in reading takes as long.
DecodedBatches decode(std::vector<FetchedBatch> fetched);

}  // namespace shardlog::sqlite
