#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/router.h"
#include "shardlog/stream.h"

namespace shardlog::cli {

/// Places of a producer by its sources.
using ProducerPlaces = std::map<std::string, ProducerPlace>;

/// What is wrong with the input. Not an exception yet: it goes from thread to thread behind the records before it.
struct InputError {
  ErrorCode code;
  std::string message;
};

/// Where a record of the input is.
struct Place {
  static constexpr std::uint32_t not_stored = UINT32_MAX;

  std::uint32_t batch;  ///< of Encoded::batches
  std::uint32_t index;  ///< in that batch, or in Encoded::reasons where it is not stored
};

/// Records on their way to the disk: routed, encoded, checksummed.
struct Encoded {
  std::vector<RoutedBatch> batches;
  std::vector<std::size_t> runs;      ///< which of them are runs of records without a key, for any shard
  std::vector<Place> places;          ///< of each record in the order of the input; only for acknowledgements
  std::vector<std::string> reasons;   ///< why records are not stored; only for acknowledgements
  std::vector<std::string> skipped;   ///< why records that broke a rule are left out; no message twice in a row
  std::uint64_t skipped_records = 0;  ///< how many these are
  std::string notice;                 ///< as RecordSource has it
  ProducerPlaces moves;               ///< where the producer is with these; only with an id
  std::size_t bytes = 0;              ///< of the payloads
  std::size_t chunks = 0;             ///< whose last records these are
  std::uint64_t input_bytes = 0;      ///< that were read for them
  std::optional<InputError> error{};  ///< what is wrong with the input behind these records

  /// Puts what follows behind this. REQUIRES: no error yet
  void append(Encoded next);

  /// Deals the runs out over the shards that are open in the router's map.
  void deal(Router& router);
};

}  // namespace shardlog::cli
