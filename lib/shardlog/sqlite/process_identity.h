#pragma once

#include <string>

#include "shardlog/log/parts.h"

namespace shardlog::sqlite {

/// What tells this process from all others on this machine, now and later: boot id, PID namespace, pid and start time,
/// with slashes between them. Throws like system_error().
std::string process_identity();

/// Of processes by their identity. Nothing is known of those of another boot or another PID namespace. One that only
/// waits to be reaped is gone, one that is stopped is alive.
class ProcessLiveness final : public Liveness {
 public:
  std::string self() override { return process_identity(); }
  State state_of(const std::string& process) override;
  std::string describe(const std::string& process) override;
};

}  // namespace shardlog::sqlite
