#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/producer.h"
#include "tools/input/framing.h"
#include "tools/input/record_source.h"
#include "tools/stream-put/counted_input.h"
#include "tools/stream-put/encoded.h"

namespace shardlog::cli {

/// Knows what of the input is stored already. The pieces of a plain input are counted; of a mirror, whose records say
/// where they come from, each source shard has its place. JSON is a mirror where its first record says so.
/// Errors name the producer. For one thread.
class ExactlyOnce {
 public:
  /// `stored` are its places. Throws malformed where they are of another kind of input, and as CountedInput.
  ExactlyOnce(const std::string& name, Framing::Kind framing, const std::vector<Producer>& stored);

  /// Whether pieces are counted, or may have to be.
  [[nodiscard]] bool counts() const { return counted_.has_value(); }

  /// As CountedInput; without a count they do nothing.
  [[nodiscard]] std::uint64_t known() const { return counted_ ? counted_->known() : 0; }
  void add(std::string_view lines, std::span<const std::uint32_t> lengths);
  void add(std::string_view piece);
  void add_hole();
  void add_mark();
  void end() const;

  /// Whether a record of a mirror is stored already; false in a plain input. Throws malformed where the record of a
  /// mirror does not say where it comes from.
  bool is_stored(const RecordOrigin* origin);

  /// The record of a mirror is dealt with.
  void pass(const RecordOrigin* origin);

  /// Where it has come since the last time.
  ProducerPlaces moves();

 private:
  template <typename Work>
  void with_name(Work work) const;

  std::string name_;
  bool undecided_ = false;               ///< whether it is a mirror
  std::optional<CountedInput> counted_;  ///< also while that is not decided
  std::map<std::string, SequenceNumber> mirrored_;
  ProducerPlaces moves_;  ///< of a mirror
};

}  // namespace shardlog::cli
