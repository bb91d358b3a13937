#pragma once

#include <memory>

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

/// Hears what is told from now on.
class Hints {
 public:
  enum class Of { changes, everything };
  /// The session must outlive it.
  Hints(Session& session, Of of);

  /// Whether something was told since the last call, or comes within `wait`. A lost connection counts.
  bool heard(Duration wait);

 private:
  Connection& connection_;
  std::uint64_t losses_;
  Inbox inbox_;
};

std::unique_ptr<Notice> make_notice(Session& session);

/// While somebody waits for two things, or for a request to stop, each is looked at this often.
constexpr Duration look_at_others = std::chrono::milliseconds(20);

}  // namespace shardlog::nats
