#include "shardlog/sqlite/payload.h"

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>

#include <functional>
#include <future>
#include <iterator>
#include <numeric>
#include <span>
#include <utility>

namespace shardlog::sqlite {

namespace {

constexpr std::size_t worth_a_thread = 1024UL * 1024;  // decompressed bytes: about a millisecond

StoredBatch decode_one(FetchedBatch& fetched) {
  const BatchRow& row = fetched.row;
  RecordBatch records = decode_payload(row, std::move(fetched.payload));
  const SequenceRun sequences = SequenceRun::dense(static_cast<std::uint64_t>(row.first_sequence), records.size());
  return {ShardId(static_cast<std::uint32_t>(row.shard)),
          Arrivals(row.arrived_at),
          sequences,
          std::move(records),
          fetched.first,
          fetched.count};
}

DecodedBatches decode_each(std::span<FetchedBatch> fetched) {
  DecodedBatches decoded;
  decoded.batches.reserve(fetched.size());
  try {
    for (FetchedBatch& batch : fetched) decoded.batches.push_back(decode_one(batch));
  } catch (const Error& error) {
    decoded.damage = error;
  }
  return decoded;
}

/// How many bytes decompressing makes: none if the payload is stored as it is.
std::size_t decompressed_bytes(const FetchedBatch& fetched) {
  const auto data = static_cast<std::size_t>(fetched.row.data_bytes);
  return data > fetched.payload.size() ? data : 0;
}

}  // namespace

std::optional<Bytes> PayloadReader::read(const BatchRow& row) {
  place_.reset();
  Bytes column = read_column(row.id);
  if (segments_ == nullptr) return column;
  try {
    place_ = PayloadPlace::decode(row, column.view());
    return place_ ? segments_->read(*place_) : std::optional(std::move(column));
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("batch {}: {}", row.id, error.what()));
  }
}

Bytes PayloadReader::read_column(std::int64_t batch) {
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

Error segment_missing(const BatchRow& row, const PayloadPlace& place) {
  return {ErrorCode::corrupt, fmt::format("batch {}: {} is missing", row.id, segment_name(place.segment))};
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

DecodedBatches decode(std::vector<FetchedBatch> fetched) {
  const std::size_t all =
      std::transform_reduce(fetched.begin(), fetched.end(), std::size_t{0}, std::plus(), decompressed_bytes);
  if (fetched.size() < 2 || all < worth_a_thread) return decode_each(fetched);
  const std::span<FetchedBatch> batches(fetched);
  const std::size_t half = fetched.size() / 2;
  // The default policy decodes here if no thread can be started.
  auto second = std::async([&] { return decode_each(batches.subspan(half)); });
  DecodedBatches decoded = decode_each(batches.first(half));
  DecodedBatches rest = second.get();
  if (decoded.damage) return decoded;
  std::move(rest.batches.begin(), rest.batches.end(), std::back_inserter(decoded.batches));
  decoded.damage = rest.damage;
  return decoded;
}

}  // namespace shardlog::sqlite
