#include "shardlog/sqlite/decoding.h"

#include <algorithm>
#include <functional>
#include <future>
#include <iterator>
#include <numeric>
#include <span>
#include <utility>

#include "shardlog/sqlite/payload.h"

namespace shardlog::sqlite {

namespace {

constexpr std::size_t worth_a_thread = 1024UL * 1024;  // bytes to be made of compressed ones: about a millisecond

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

/// What decompressing is to make: none of what is stored as it is.
std::size_t to_be_made(const FetchedBatch& fetched) {
  const auto data = static_cast<std::size_t>(fetched.row.data_bytes);
  return data > fetched.payload.size() ? data : 0;
}

}  // namespace

DecodedBatches decode(std::vector<FetchedBatch> fetched) {
  const std::size_t all =
      std::transform_reduce(fetched.begin(), fetched.end(), std::size_t{0}, std::plus(), to_be_made);
  if (fetched.size() < 2 || all < worth_a_thread) return decode_each(fetched);
  const std::span<FetchedBatch> batches(fetched);
  const std::size_t half = fetched.size() / 2;
  // Where there can be no further thread, it is done here.
  auto second = std::async([&] { return decode_each(batches.subspan(half)); });
  DecodedBatches decoded = decode_each(batches.first(half));
  DecodedBatches rest = second.get();
  if (decoded.damage) return decoded;
  std::move(rest.batches.begin(), rest.batches.end(), std::back_inserter(decoded.batches));
  decoded.damage = rest.damage;
  return decoded;
}

}  // namespace shardlog::sqlite
