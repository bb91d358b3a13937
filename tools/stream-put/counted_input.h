#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "shardlog/core/producer.h"
#include "tools/stream-put/input_hash.h"
#include "tools/stream-put/trail.h"

namespace shardlog::cli {

/// An input whose pieces are counted, and compared with what is known of those that were stored before.
/// Everything throws malformed where they differ.
class CountedInput {
 public:
  /// `stored` is how far it was stored. Throws corrupt and unsupported where its proof is none.
  explicit CountedInput(const std::optional<ProducerPosition>& stored);

  /// How many of the next pieces are dealt with already.
  [[nodiscard]] std::uint64_t known() const { return known_ > position_ ? known_ - position_ : 0; }

  /// As InputHash has them.
  void add(std::string_view lines, std::span<const std::uint32_t> lengths);
  void add(std::string_view piece);
  void add_hole();
  void add_mark() { hash_.add_mark(); }

  /// The input has ended: throws malformed where not all that was stored was in it.
  void end() const;

  /// How far it is now, where that is further than what was stored and than the last time.
  std::optional<ProducerPosition> move();

 private:
  void counted(std::size_t pieces);
  [[nodiscard]] std::uint64_t until_check() const;

  std::uint64_t known_ = 0;     ///< stored, or moved on to
  std::uint64_t position_ = 0;  ///< how many pieces there were
  InputHash hash_;
  Trail trail_;
  std::size_t checked_ = 0;  ///< how many entries of the trail are behind
};

}  // namespace shardlog::cli
