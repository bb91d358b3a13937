#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tools/stream-stats/consumer_statistics.h"

namespace shardlog::cli {

/// What becomes of a consumer if everything goes on as now.
struct Outlook {
  enum class State {
    caught_up,
    no_worker,
    falling_behind,
    catching_up,
    unknown,  ///< it has a backlog, which neither grows nor shrinks as far as is known
  };
  State state = State::unknown;
  std::optional<Duration> caught_up_in{};  ///< if it is catching up
  /// When the oldest record of the backlog is past retention; only once its age is more than half of that, and unless
  /// the consumer has caught up by then.
  std::optional<Duration> loses_data_in{};

  /// Whether a person should look at it.
  [[nodiscard]] bool is_bad() const { return state == State::falling_behind || loses_data_in.has_value(); }
};

/// How long ago the first record of the backlog arrived; 0 without a backlog, or if the clock has been set back.
Duration age_of(const ConsumerStatistics& consumer, Timestamp now);

/// `retention` is that of the stream.
Outlook outlook_of(const ConsumerStatistics& consumer, Timestamp now, Duration retention);

/// "caught up", "falling behind by 120/s; loses data in 2h". Empty if it is unknown. If that has more than `room`
/// characters, it says less: how fast goes first, and the loss of data last.
std::string outlook_text(const Outlook& outlook, const std::optional<double>& trend, std::size_t room = SIZE_MAX);

}  // namespace shardlog::cli
