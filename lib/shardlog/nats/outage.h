#pragma once

#include <functional>
#include <optional>
#include <string>

#include "shardlog/core/clock.h"

namespace shardlog::nats {

/// Tells when servers have not answered for a second, and when they answer again: a line each time.
class Outage {
 public:
  using Tell = std::function<void(const std::string& line)>;
  /// Without `tell`, nobody is told.
  Outage(Tell tell, const Clock& clock) : tell_(std::move(tell)), clock_(clock) {}

  /// Servers have not answered a request for this long, and it is sent again.
  void unanswered_for(Duration duration);
  void answered();

 private:
  Tell tell_;
  const Clock& clock_;
  // By Clock::elapsed():
  Duration answered_at_ = Duration::min();
  Duration seen_at_{0};              ///< the last look at this outage
  std::optional<Duration> since_{};  ///< if there is one
  bool told_ = false;
};

}  // namespace shardlog::nats
