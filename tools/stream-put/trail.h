#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/stream-put/input_hash.h"

namespace shardlog::cli {

/// What an input was like up to some of its pieces, so that a changed one is told from it, and about where. It gets
/// thinner backward: what lies between two neighbours was added at once, or is no longer than what came behind them.
class Trail {
 public:
  struct Entry {
    std::uint64_t position;  ///< how many pieces, at least 1
    InputDigest digest;      ///< of all of them

    friend bool operator==(const Entry&, const Entry&) = default;
  };

  /// Two for each doubling of the distance from the last one.
  static constexpr std::size_t most_entries = 130;

  /// REQUIRES: its position is greater than those before
  void add(const Entry& entry);

  /// In the order of their positions.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  /// As a producer's proof: at most 4096 bytes; and back. Throws corrupt where it is none, and unsupported where a
  /// newer version made it.
  [[nodiscard]] std::string to_proof() const;
  static Trail of_proof(std::string_view proof);

 private:
  std::vector<Entry> entries_;
};

}  // namespace shardlog::cli
