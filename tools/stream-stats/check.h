#pragma once

#include <string>
#include <vector>

#include "tools/stream-stats/condition.h"
#include "tools/stream-stats/figures.h"

namespace shardlog::cli {

/// A line for each condition that does not hold, which says by how much: "orders: billing: age is 31 s, 1.0 s more than
/// 30s". The figures are those of the consumer, if there is one, or else of the stream.
/// Throws usage (the limit is not one for that figure), and not_found (no such figure, or it has no value now: "yes"
/// must not mean "not known").
std::vector<std::string> broken_conditions(const std::vector<Condition>& conditions, const Figures& figures,
                                           const ConsumerFigures* consumer);

}  // namespace shardlog::cli
