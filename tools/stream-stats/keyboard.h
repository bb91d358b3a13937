#pragma once

#include <optional>
#include <stop_token>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// The keys that a person presses while a program waits, one by one and unseen. The terminal is changed only during a
/// wait. So it is as it was whenever the program ends, because a signal ends a wait first. Ctrl-Z is a key during a
/// wait: the caller stops the program.
class Keyboard {
 public:
  /// Whether standard input is a terminal that this program may read from: it is not in the background.
  [[nodiscard]] static bool is_there();

  /// Waits for a key, until `timeout` is over or `stop` is requested. Without a keyboard it only waits.
  static std::optional<char> wait(Duration timeout, const std::stop_token& stop);
};

}  // namespace shardlog::cli
