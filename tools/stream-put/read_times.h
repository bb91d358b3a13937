#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// When pieces of the input were complete.
struct ReadAt {
  Duration at;         ///< of the clock's intervals
  std::size_t pieces;  ///< how many
};

/// A list of them, in their order. One alone takes no memory of its own: a piece that waits for its acknowledgement is
/// alone in its chunk, and each allocation would make its way longer.
class ReadTimes {
 public:
  using value_type = ReadAt;

  ReadTimes() = default;
  ReadTimes(std::initializer_list<ReadAt> reads) {
    for (const ReadAt& read : reads) push_back(read);
  }

  void push_back(const ReadAt& read) {
    if (empty()) {
      only_ = read;
      return;
    }
    if (only_) several_.push_back(*std::exchange(only_, std::nullopt));
    several_.push_back(read);
  }

  void clear() { *this = ReadTimes(); }

  [[nodiscard]] bool empty() const { return !only_ && several_.empty(); }
  ReadAt& back() { return only_ ? *only_ : several_.back(); }  ///< REQUIRES: !empty()
  [[nodiscard]] const ReadAt* begin() const { return only_ ? &*only_ : several_.data(); }
  [[nodiscard]] const ReadAt* end() const { return only_ ? &*only_ + 1 : several_.data() + several_.size(); }

 private:
  std::optional<ReadAt> only_;
  std::vector<ReadAt> several_;  ///< two or more, or none
};

}  // namespace shardlog::cli
