#pragma once

#include <span>
#include <string>
#include <vector>

#include "shardlog/log/metrics.h"
#include "shardlog/metrics/periods.h"
#include "shardlog/nats/session.h"

namespace shardlog::nats {

/// What processes measured, in a JetStream stream that is made when the first of them adds something. Each keeps a
/// message for each minute, and replaces it when it adds to it, so nobody waits for anybody. They go after a day.
///
///     slm.NAME.U.<process>.<minute since the epoch>     what a process measured in a minute
///     slm.NAME.U.trimmed.<n>                            what arrived in messages that were trimmed, by the minute
///
/// What arrived is counted in the data stream, and before it is trimmed, in the control message (Trimmed::counted).
/// When that has grown for some minutes, it is moved here. Only messages with n < Trimmed::moved count: any other is of
/// a trimmer that was killed before it had moved anything, and will be replaced.
class MetricsLog final : public Metrics {
 public:
  /// It must outlive it.
  explicit MetricsLog(Session& session);

  bool add(std::span<const metrics::Period> minutes) override;
  std::vector<metrics::Period> history(Timestamp from, Timestamp until) override;

 private:
  Session& session_;
  std::string process_;               ///< random: no other process has it
  metrics::MeasuredMinutes minutes_;  ///< what it has added, of the last few minutes
};

/// Adds to `desired`, which is to replace session.control().trimmed, what that has counted before; or moves that to the
/// metrics stream first, if it has grown. Does not fail for a server that does not answer.
void carry_counts(Session& session, Trimmed& desired);

}  // namespace shardlog::nats
