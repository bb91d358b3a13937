#pragma once

#include <string>

#include "shardlog/log/parts.h"

namespace shardlog::nats {

/// Workers may run on any machine, and some machines are copies of others, with the same boot id and process ids. So
/// nothing is ever known about a process but that this one is alive; leases are judged by their counters.
class ServerLiveness final : public Liveness {
 public:
  ServerLiveness();

  /// HOST/BOOT/PID/TOKEN. The token is random, and made with this object.
  std::string self() override { return self_; }
  State state_of(const std::string& process) override { return process == self_ ? State::alive : State::unknown; }
  /// "pid 4711 on alpha"
  std::string describe(const std::string& process) override;

 private:
  std::string self_;
};

}  // namespace shardlog::nats
