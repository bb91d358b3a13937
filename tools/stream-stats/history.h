#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "shardlog/metrics/measures.h"
#include "tools/stream-stats/named_figures.h"

/// How the figures of a stream went, for pictures.
namespace shardlog::cli {

/// One line of a picture. A value that was not measured is not a number.
struct Course {
  std::string name;
  std::vector<double> values;  ///< one for each step, the oldest first

  /// The greatest value; 0 if there is none.
  [[nodiscard]] double peak() const;
};

/// Courses that share an axis.
struct Picture {
  std::string title;
  Unit unit = Unit::records_a_second;
  std::vector<Course> courses{};

  [[nodiscard]] double peak() const;
};

struct History {
  Timestamp from;
  Duration step;  ///< at least a minute
  std::size_t steps = 0;
  std::vector<Picture> pictures{};  ///< of what there was at all

  [[nodiscard]] Timestamp until() const { return from + step * static_cast<std::int64_t>(steps); }
};

/// Where the first step of history_of() begins: up to a step before `from`, because all steps have the same length and
/// end at whole minutes.
Timestamp start_of_history(Timestamp from, Timestamp until, std::size_t most_steps);

/// From periods since start_of_history(), the oldest first: what came in and went out, what was throttled and dropped,
/// the age that each consumer saw, and the 99th percentile of the propagation delay. There are at most `most_steps`
/// steps, of which the last one ends with the newest whole minute: one that has just begun would look like a fall.
/// `consumers` has the names by UUID; readers without a name are left out. REQUIRES: from < until
History history_of(std::span<const metrics::Period> periods, Timestamp from, Timestamp until, std::size_t most_steps,
                   const std::map<std::string, std::string>& consumers);

}  // namespace shardlog::cli
