#pragma once

#include <string>

#include "shardlog/log/parts.h"

namespace shardlog::sqlite {

/// Identifies a process among all others on this machine, now and later, by boot id, PID namespace, pid and start time,
/// with slashes between them. Processes of another boot or another PID namespace are unknown. A process that only waits
/// to be reaped is gone; a stopped one is alive. Throws like system_error().
class ProcessLiveness final : public Liveness {
 public:
  std::string self() override;
  State state_of(const std::string& process) override;
  std::string describe(const std::string& process) override;
};

}  // namespace shardlog::sqlite
