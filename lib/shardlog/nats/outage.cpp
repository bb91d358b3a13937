#include "shardlog/nats/outage.h"

#include <fmt/format.h>

#include <algorithm>

namespace shardlog::nats {

namespace {

constexpr Duration worth_telling = std::chrono::seconds(1);
/// After so long without a try, an outage that was seen before counts as over.
constexpr Duration forgotten_after = std::chrono::seconds(2);

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void Outage::unanswered_for(Duration duration) {
  if (!tell_) return;
  const Duration now = clock_.elapsed();
  const Duration begun = std::max(now - duration, answered_at_);
  const bool is_known = since_ && (told_ || begun - seen_at_ < forgotten_after);
  since_ = is_known ? std::min(*since_, begun) : begun;
  seen_at_ = now;
  if (told_ || now - *since_ < worth_telling) return;
  told_ = true;
  tell_(fmt::format("NATS: no answer from its servers for {:.0f} s, or no majority of them; still trying",
                    seconds(now - *since_)));
}

void Outage::answered() {
  if (!tell_) return;
  answered_at_ = clock_.elapsed();
  if (told_) tell_(fmt::format("NATS: its servers answer again, after {:.1f} s", seconds(answered_at_ - *since_)));
  since_.reset();
  told_ = false;
}

}  // namespace shardlog::nats
