#pragma once

#include <optional>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/core/sequence_number.h"

/// How records are stored exactly once: how far into its input a producer has come is stored in the commit that stores
/// the records, so that who starts again knows what is there.
namespace shardlog {

/// Whose place it is: a producer, and which of its inputs. Both are 1 to 256 and 0 to 256 bytes of UTF-8.
struct ProducerId {
  std::string name;
  std::string source;  ///< a shard of another stream, for instance; empty where there is one input only

  friend auto operator<=>(const ProducerId&, const ProducerId&) = default;
};

/// How far a producer has come.
struct ProducerPlace {
  SequenceNumber position;  ///< of the last record of the input that is stored, or was decided on
  std::string proof{};      ///< what the producer keeps to tell that its input is the same one; at most 4096 bytes

  friend bool operator==(const ProducerPlace&, const ProducerPlace&) = default;
};

/// Moves a producer on, on condition that it is where it is expected.
struct ProducerMove {
  ProducerId id;
  std::optional<SequenceNumber> from;  ///< nothing: it has not stored anything yet
  ProducerPlace to;
};

struct Producer {
  ProducerId id;
  ProducerPlace place;
  Timestamp moved_at{};

  friend bool operator==(const Producer&, const Producer&) = default;
};

}  // namespace shardlog
