#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "shardlog/stream.h"
#include "tools/common/output.h"
#include "tools/stream-put/encoded.h"

namespace shardlog::cli {

/// What has been committed, for acknowledgements and for the last words.
class Committed {
 public:
  Committed(Output& output, bool ack) : output_(output), ack_(ack) {}

  /// `stored` is what became of each batch. Returns how many records these are.
  std::uint64_t add(const Encoded& encoded, std::span<const Appended> stored);

  /// How many records were to keep their arrival times and could not.
  [[nodiscard]] std::uint64_t moved_in_time() const { return moved_in_time_; }

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::string summary() const;

 private:
  Output& output_;
  bool ack_;
  std::uint64_t records_ = 0;
  std::uint64_t moved_in_time_ = 0;
  std::string last_;
};

}  // namespace shardlog::cli
