#pragma once

#include <memory>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/nats/appender.h"
#include "shardlog/nats/leases.h"
#include "shardlog/nats/liveness.h"
#include "shardlog/nats/maintenance.h"
#include "shardlog/nats/metrics.h"
#include "shardlog/nats/producers.h"
#include "shardlog/nats/resharder.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

/// An open stream: a connection, and the parts that use it.
class NatsStream final : public Stream, private WriteCapacity, private ReadCapacity {
 public:
  /// As Engine::open().
  NatsStream(Address address, const OpenOptions& options, const Clock& clock);

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  StreamDescription describe() override;
  std::vector<Outcome> append(const AppendRequest& request) override;
  void make_durable() override;
  std::unique_ptr<Reader> read(const ReadRequest& request) override;
  std::vector<LocatedStart> locate(const Position& position, const std::vector<ShardId>& shards) override;
  std::unique_ptr<Notice> notice() override;

  WriteCapacity& write_capacity() override { return *this; }
  ReadCapacity& read_capacity() override { return *this; }
  Resharding& resharding() override { return resharder_; }
  LeaseStore& leases() override { return leases_; }
  Liveness& liveness() override { return liveness_; }
  ProducerStore& producers() override { return producers_; }
  Maintenance& maintenance() override { return maintenance_; }
  Metrics& metrics() override { return metrics_; }

 private:
  // Without limits (Capabilities::limits), everything is reserved at once.
  capacity::Slice reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid) override;
  Appended append(const AppendRequest& reserved, std::span<const capacity::Step> next,
                  const capacity::Seconds& paid) override;
  capacity::Limits top_up(std::span<Share> shares) override;
  void give_back(std::span<const Share> shares) override;

  Session session_;
  Capabilities capabilities_;
  Appender appender_{session_};
  Resharder resharder_{session_};
  Leases leases_{session_};
  ServerLiveness liveness_;
  Producers producers_{session_};
  NatsMaintenance maintenance_{session_};
  MetricsLog metrics_{session_};
};

}  // namespace shardlog::nats
