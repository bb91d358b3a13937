#pragma once

#include "shardlog/log/maintenance.h"
#include "shardlog/nats/session.h"
#include "shardlog/nats/tally.h"

namespace shardlog::nats {

/// What Stream::describe() says. Reads the control message.
StreamDescription describe(Session& session);

class NatsMaintenance final : public Maintenance {
 public:
  /// It must outlive it.
  explicit NatsMaintenance(Session& session) : session_(session), tally_(session) {}

  void update(const SettingsChange& change) override;
  StreamStatistics statistics(Detail detail) override;
  std::vector<std::optional<std::vector<Intake>>> intake(std::span<const Timestamp> times) override;
  Backlog backlog(std::span<const ShardStart> starts) override;
  VerifyReport verify(const std::function<bool(double)>& progress) override;

 private:
  Session& session_;
  Tally tally_;
};

}  // namespace shardlog::nats
