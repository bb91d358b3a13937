#pragma once

#include <cstddef>
#include <string>

#include "tools/stream-stats/history.h"
#include "tools/stream-stats/screen.h"

namespace shardlog::cli {

/// How many steps of a history can be told apart on a screen.
std::size_t steps_on(const Screen& screen);

/// The courses of a history one above the other, over one axis of time.
std::string format_history(const std::string& name, const History& history, const Screen& screen);

}  // namespace shardlog::cli
