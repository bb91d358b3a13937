#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "shardlog/producing/writer.h"
#include "tools/common/output.h"

namespace shardlog::cli {

/// What has been committed, for acknowledgements and for the last words.
class Committed {
 public:
  Committed(Output& output, bool ack) : output_(output), ack_(ack) {}

  /// `reasons` are why records were left out. Returns how many records were stored.
  std::uint64_t add(const producing::Written& written, const std::vector<std::string>& reasons);

  /// How many records were to keep their arrival times and could not.
  [[nodiscard]] std::uint64_t moved_in_time() const { return moved_in_time_; }

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::string summary() const;

 private:
  void count(const RoutedBatch& batch, const Outcome& outcome);
  void acknowledge(const producing::Written& written, const std::vector<std::string>& reasons);

  Output& output_;
  bool ack_;
  std::uint64_t records_ = 0;
  std::uint64_t moved_in_time_ = 0;
  std::string last_;
};

}  // namespace shardlog::cli
