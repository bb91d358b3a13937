#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/log/stream.h"
#include "shardlog/producing/packer.h"

namespace shardlog::cli {

/// Places of a producer by its sources.
using ProducerPlaces = std::map<std::string, ProducerPosition>;

/// What is wrong with the input. Not an exception yet: it goes from thread to thread behind the records before it.
struct InputError {
  ErrorCode code;
  std::string message;
};

/// Records of the input on their way into the stream, and what is to be said about others.
struct Encoded {
  producing::Packed packed;           ///< with places only for acknowledgements
  std::vector<std::string> reasons;   ///< why records are left out, by producing::Place::index; likewise
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
};

}  // namespace shardlog::cli
