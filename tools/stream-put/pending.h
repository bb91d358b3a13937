#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-put/batcher.h"

namespace shardlog::cli {

/// Pieces of the input that wait until the stream has the capacity for them, in their order. A dropped piece keeps its
/// place, because acknowledgements are in the order of the input and a producer passes over it.
class PendingPieces {
 public:
  /// `step` is what the piece needs.
  void add(Encoded piece, capacity::Step step);

  /// Drops all pieces from the one at this index on. `why` is for their acknowledgements.
  void drop_from(std::size_t index, const std::string& why);

  /// Adds a piece, and drops it.
  void add_dropped(Encoded piece, const std::string& why);

  [[nodiscard]] bool empty() const { return pieces_.empty(); }
  [[nodiscard]] std::size_t size() const { return pieces_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  ///< of the payloads

  /// How many of the first pieces to store at once: at least one if there is any, and none after more than `most_data`
  /// bytes of data and keys.
  [[nodiscard]] std::size_t fitting(std::uint64_t most_data) const;

  /// The records from the piece at this index on that are not dropped.
  [[nodiscard]] std::size_t records_from(std::size_t index) const;

  /// What the pieces need, in their order; a dropped piece needs nothing.
  [[nodiscard]] std::span<const capacity::Step> steps() const { return steps_; }
  [[nodiscard]] bool need_nothing() const;

  /// The first pieces, as one. REQUIRES: 1 <= count <= size()
  Encoded take(std::size_t count);

 private:
  std::deque<Encoded> pieces_;
  std::vector<capacity::Step> steps_;
  std::size_t bytes_ = 0;
};

}  // namespace shardlog::cli
