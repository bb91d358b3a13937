#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/producer.h"
#include "tools/input/framing.h"
#include "tools/input/record_source.h"
#include "tools/stream-put/counted_input.h"

namespace shardlog::cli {

/// How far a producer has come in each of its sources.
using ProducerPositions = std::map<std::string, ProducerPosition>;

/// Knows which part of the input a producer has stored already. The pieces of a plain input are counted. A mirror's
/// records say which shard they come from, and each of these shards has its own position. JSON is a mirror if its first
/// record says so. For one thread.
class ExactlyOnce {
 public:
  /// `stored` is what the stream knows of the producer. Throws malformed if that came from another kind of input, and
  /// as CountedInput.
  ExactlyOnce(const std::string& name, Framing::Kind framing, const std::vector<Producer>& stored);

  /// The count of the input's pieces; nullptr if it is a mirror. JSON is counted until its first record decides.
  [[nodiscard]] CountedInput* counted() { return counted_ ? &*counted_ : nullptr; }

  /// Whether a record of a mirror is stored already; false for a plain input. Throws malformed if a mirror's record
  /// does not say where it comes from.
  bool is_stored(const RecordOrigin* origin);

  /// How many sources of a mirror moves() would move if the record were passed.
  [[nodiscard]] std::size_t sources_with(const RecordOrigin* origin) const;

  /// The record of a mirror will be stored, or is left out.
  void pass(const RecordOrigin* origin);

  /// How far the input has come since the last call.
  ProducerPositions moves();

 private:
  bool undecided_ = false;  ///< it is not known yet whether this is a mirror
  std::optional<CountedInput> counted_;
  std::map<std::string, SequenceNumber> mirrored_;
  ProducerPositions moves_;  ///< of a mirror
};

}  // namespace shardlog::cli
