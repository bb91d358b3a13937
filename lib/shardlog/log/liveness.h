#pragma once

#include <string>

#include "shardlog/core/export.h"

namespace shardlog {

/// What an engine knows of the processes that own leases. It needs no more than to tell one from another.
class SHARDLOG_API Liveness {
 public:
  virtual ~Liveness() = default;

  /// This process, for LeaseOwner::process: no other has the same, now or later.
  virtual std::string self() = 0;

  enum class State {
    gone,  ///< it will never change its leases again
    alive,
    unknown,  ///< on another host, for instance: it is judged by the counter of its leases
  };
  virtual State state_of(const std::string& process) = 0;

  /// For messages, "pid 4711"; empty if there is nothing to tell a person.
  virtual std::string describe(const std::string& process) = 0;
};

}  // namespace shardlog
