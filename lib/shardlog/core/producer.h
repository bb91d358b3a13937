#pragma once

#include <optional>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/core/sequence_number.h"

/// Records are stored exactly once because the commit that stores them also stores how far into its input the producer
/// has come. A producer that starts again reads that, and goes on from there.
namespace shardlog {

/// A producer and one of its inputs.
struct ProducerId {
  std::string name;    ///< 1 to 256 bytes of UTF-8
  std::string source;  ///< 0 to 256 bytes of UTF-8, a shard of another stream for instance; empty if it is the only one

  friend auto operator<=>(const ProducerId&, const ProducerId&) = default;
};

/// How far a producer has come.
struct ProducerPosition {
  SequenceNumber sequence;  ///< of the last record of the input that is stored, or that was left out on purpose
  std::string proof{};      ///< lets the producer recognise its input; at most 4096 bytes

  friend bool operator==(const ProducerPosition&, const ProducerPosition&) = default;
};

/// Moves a producer on, provided that it is where it is expected.
struct ProducerMove {
  ProducerId id;
  std::optional<SequenceNumber> from;  ///< nullopt: it has not stored anything yet
  ProducerPosition to;
};

struct Producer {
  ProducerId id;
  ProducerPosition position;
  Timestamp moved_at{};

  friend bool operator==(const Producer&, const Producer&) = default;
};

}  // namespace shardlog
