#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "shardlog/log/stream.h"
#include "shardlog/nats/connection.h"
#include "shardlog/nats/session.h"

/// Hints for those who wait: messages of core NATS, which nothing stores, on sln.NAME.U.data and sln.NAME.U.change.
/// One that gets lost makes somebody wait until his time is over.
namespace shardlog::nats {

/// Tells that batches were stored. Those who follow the data stream see that without it.
void tell_data(Session& session);
/// Tells that something else changed: shards, settings, owners of leases.
void tell_change(Session& session);

/// Hears what is told from now on. The other servers of the cluster hear of the subscription a little later, and what
/// is told to them before that is lost: so one more look is due after a second, as if something had been told.
class Hints {
 public:
  enum class Of { changes, everything };
  /// The session must outlive it.
  Hints(Session& session, Of of);

  /// Whether something was told since the last call, comes within `wait`, or may have been lost. The caller looks after
  /// each call that returns true.
  bool heard(Duration wait);

 private:
  using Steady = std::chrono::steady_clock;

  Connection& connection_;
  std::uint64_t losses_;
  Inbox inbox_;
  bool is_new_ = true;                           ///< subscribed since the last call
  std::optional<Steady::time_point> look_at_{};  ///< if nothing is told until then
};

std::unique_ptr<Notice> make_notice(Session& session);

/// While somebody waits for two things, or for a request to stop, each is looked at this often.
constexpr Duration look_at_others = std::chrono::milliseconds(20);

}  // namespace shardlog::nats
