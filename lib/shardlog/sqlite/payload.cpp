#include "shardlog/sqlite/payload.h"

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>

#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

Bytes PayloadReader::read(std::int64_t batch) {
  if (blob_ == nullptr) {
    sqlite3_blob* opened = nullptr;
    check(sqlite3_blob_open(connection_, "main", "batches", "payload", batch, 0, &opened));
    blob_.reset(opened);
  } else {
    check(sqlite3_blob_reopen(blob_.get(), batch));
  }
  Bytes payload(static_cast<std::size_t>(sqlite3_blob_bytes(blob_.get())));
  check(sqlite3_blob_read(blob_.get(), payload.data(), static_cast<int>(payload.size()), 0));
  return payload;
}

void PayloadReader::check(int result) const {
  if (result != SQLITE_OK) throw SQLite::Exception(connection_, result);
}

RecordBatch decode_payload(const BatchRow& row, Bytes payload) {
  try {
    RecordBatch records = RecordBatch::decode(std::move(payload));
    const bool agrees = records.checksum() == row.payload_checksum &&
                        records.size() == static_cast<std::size_t>(row.record_count) &&
                        records.data_bytes() == static_cast<std::size_t>(row.data_bytes);
    if (!agrees) throw Error(ErrorCode::corrupt, "the payload is not the one that its row was made for");
    return records;
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("batch {}: {}", row.id, error.what()));
  }
}

}  // namespace shardlog::sqlite
