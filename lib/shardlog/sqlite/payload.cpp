#include "shardlog/sqlite/payload.h"

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <numeric>
#include <string_view>
#include <thread>
#include <utility>

namespace shardlog::sqlite {

namespace {

constexpr std::size_t worth_pinning = 256UL * 1024;    // bytes: less is copied as fast
constexpr std::size_t worth_a_thread = 1024UL * 1024;  // decompressed bytes: about a millisecond
constexpr std::size_t most_decoders = 4;

/// Whether a payload of this size is the records as they are.
bool is_compressed(const BatchRow& row, std::size_t payload_size) {
  return std::cmp_less(payload_size, row.data_bytes);
}

/// What is pinned of the lines, if anything is.
std::shared_ptr<const PinnedPages> pinned_lines(std::shared_ptr<PinnedPages> payload, const RecordBatch& records) {
  if (!payload || records.compression() != Compression::none) return nullptr;
  const std::string_view lines = records.lines();
  const auto first = static_cast<std::size_t>(lines.data() - records.payload().data());
  return payload->keep(first, lines.size()) ? std::move(payload) : nullptr;
}

StoredBatch decode_one(FetchedBatch& fetched) {
  const BatchRow& row = fetched.row;
  RecordBatch records = decode_payload(row, std::move(fetched.payload.bytes));
  auto pinned = pinned_lines(std::move(fetched.payload.pinned), records);
  return {ShardId(static_cast<std::uint32_t>(row.shard)),
          Arrivals(row.arrived_at),
          SequenceRun::dense(static_cast<std::uint64_t>(row.first_sequence), records.size()),
          std::move(records),
          fetched.first,
          fetched.count,
          std::move(pinned)};
}

struct Outcome {
  std::optional<StoredBatch> batch;
  std::optional<Error> damage;
};

Outcome outcome_of(FetchedBatch& fetched) {
  try {
    return {decode_one(fetched), std::nullopt};
  } catch (const Error& error) {
    return {std::nullopt, error};
  }
}

DecodedBatches decode_one_by_one(std::vector<FetchedBatch>& fetched) {
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
  return is_compressed(fetched.row, fetched.payload.bytes.size()) ? static_cast<std::size_t>(fetched.row.data_bytes)
                                                                  : 0;
}

/// How many threads decode these batches beside that of the caller.
std::size_t helpers_for(const std::vector<FetchedBatch>& fetched) {
  const std::size_t bytes =
      std::transform_reduce(fetched.begin(), fetched.end(), std::size_t{0}, std::plus(), decompressed_bytes);
  if (fetched.size() < 2 || bytes < worth_a_thread) return 0;
  const std::size_t processors = std::max(std::thread::hardware_concurrency(), 1U);
  return std::min({most_decoders, processors, fetched.size()}) - 1;
}

}  // namespace

std::optional<StoredPayload> PayloadReader::read(const BatchRow& row) {
  place_.reset();
  Bytes column = read_column(row.id);
  if (segments_ == nullptr) return StoredPayload{std::move(column)};
  try {
    place_ = PayloadPlace::decode(row, column.view());
    if (!place_) return StoredPayload{std::move(column)};
    const bool pin = pin_lines_ && place_->size >= worth_pinning && !is_compressed(row, place_->size);
    return segments_->read(*place_, pin);
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
  const std::size_t other_threads = helpers_for(fetched);
  if (other_threads == 0) return decode_one_by_one(fetched);
  std::vector<Outcome> outcomes(fetched.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < fetched.size(); i = next++) outcomes[i] = outcome_of(fetched[i]);
  };
  std::vector<std::future<void>> helpers(other_threads);
  // The default policy leaves the work to get() if no thread can be started.
  for (auto& helper : helpers) helper = std::async(work);
  work();
  for (auto& helper : helpers) helper.get();
  DecodedBatches decoded;
  decoded.batches.reserve(outcomes.size());
  for (Outcome& outcome : outcomes) {
    if (outcome.damage) {
      decoded.damage = std::move(outcome.damage);
      break;
    }
    decoded.batches.push_back(*std::move(outcome.batch));
  }
  return decoded;
}

}  // namespace shardlog::sqlite
