#pragma once

#include <optional>
#include <span>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// A backlog at one moment.
struct BacklogAt {
  double records = 0;
  Duration at{0};
};

/// How many records a second the backlog grows by at the end of the looks, which are in the order of time. Arrivals and
/// checkpoints come in steps, so a backlog that goes up and down by a step stands still: 0. It grows only once it has
/// grown by more than two steps and by more than `noise` records, and shrinks likewise; its rate is that of all looks
/// for which the change went on. Nullopt if there are too few looks to tell.
std::optional<double> trend_of(std::span<const BacklogAt> looks, double noise = 0);

}  // namespace shardlog::cli
