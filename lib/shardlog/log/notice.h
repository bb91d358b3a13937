#pragma once

#include <stop_token>

#include "shardlog/core/clock.h"
#include "shardlog/core/export.h"

namespace shardlog {

/// Tells of commits, for those who wait for something else than records.
class SHARDLOG_API Notice {
 public:
  virtual ~Notice() = default;

  /// Waits until something was committed since the last call, or `timeout` is over, or `stop` was requested. True where
  /// a commit was noticed. Only a hint: what to look for may be there without.
  virtual bool wait(Duration timeout, const std::stop_token& stop) = 0;
};

}  // namespace shardlog
