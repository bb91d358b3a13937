#include "shardlog/nats/notice.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace shardlog::nats {

namespace {

/// By then all servers of a cluster have heard of a subscription, unless something is wrong.
constexpr auto time_to_spread = std::chrono::seconds(1);

std::string subject_of(const Session& session, std::string_view what) {
  return "sln." + session.names().name() + "." + session.uuid().substr(0, 8) + "." + std::string(what);
}

class HintedNotice final : public Notice {
 public:
  explicit HintedNotice(Session& session) : hints_(session, Hints::Of::everything) {}

  bool wait(Duration timeout, const std::stop_token& stop) override {
    using Steady = std::chrono::steady_clock;
    const auto begun = Steady::now();
    while (!stop.stop_requested()) {
      const Duration left = timeout - std::chrono::duration_cast<Duration>(Steady::now() - begun);
      if (hints_.heard(std::clamp(left, Duration(0), look_at_others))) return true;
      if (left <= Duration(0)) break;
    }
    return false;
  }

 private:
  Hints hints_;
};

}  // namespace

void tell_data(Session& session) {
  static_cast<void>(session.js().connection().publish(subject_of(session, "data"), {}, {}, {}));
}

void tell_change(Session& session) {
  static_cast<void>(session.js().connection().publish(subject_of(session, "change"), {}, {}, {}));
}

Hints::Hints(Session& session, Of of)
    : connection_(session.js().connection()),
      losses_(connection_.losses()),
      inbox_(connection_, subject_of(session, of == Of::changes ? "change" : "*")) {}

bool Hints::heard(Duration wait) {
  if (std::exchange(is_new_, false)) look_at_ = Steady::now() + time_to_spread;
  bool heard = inbox_.next(wait).has_value();
  while (heard && inbox_.next(Duration(0))) {
  }
  if (const auto losses = connection_.losses(); losses != losses_) {
    losses_ = losses;
    heard = is_new_ = true;
  }
  if (look_at_ && Steady::now() >= *look_at_) heard = true;
  if (heard) look_at_.reset();
  return heard;
}

std::unique_ptr<Notice> make_notice(Session& session) {
  return std::make_unique<HintedNotice>(session);
}

}  // namespace shardlog::nats
