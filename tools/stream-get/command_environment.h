#pragma once

#include <string>
#include <vector>

#include "shardlog/consuming/delivery.h"

namespace shardlog::cli {

/// What a command finds in its environment: ours, and where the records on its standard input are from.
class CommandEnvironment {
 public:
  /// `address` is the stream's.
  explicit CommandEnvironment(const std::string& address);

  [[nodiscard]] std::vector<std::string> of(const consuming::Batch& batch) const;

 private:
  std::vector<std::string> common_;
};

}  // namespace shardlog::cli
