#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "shardlog/capacity/limits.h"
#include "shardlog/log/stream.h"

/// How much comes into a stream, and how much of its capacity that is.
namespace shardlog::cli {

/// How much, a second.
struct Rate {
  double records = 0;
  double bytes = 0;  ///< data and keys
  double calls = 0;  ///< appends, one that stored in several shards counting in each; or reads

  friend bool operator==(const Rate&, const Rate&) = default;
};

/// Absent if the engine cannot tell, or no longer: part of it was trimmed.
struct Rates {
  std::optional<Rate> last_minute{};
  std::optional<Rate> last_15_minutes{};
};

struct Arrivals {
  Rates stream{};
  std::vector<Rates> shards{};  ///< in the order of their ids, which are 0, 1, and so on
  /// Of the last 15 minutes, those that are known: the most records and the most bytes, each by itself.
  std::optional<Rate> busiest_minute{};

  /// Unknown for a shard that was opened since.
  [[nodiscard]] Rates of_shard(std::size_t place) const { return place < shards.size() ? shards[place] : Rates{}; }
};

/// What arrived before `now`.
Arrivals arrivals_before(Timestamp now, Maintenance& maintenance);

/// How much of its limits a shard used, in percent. Absent without that limit.
struct Utilisation {
  std::optional<double> records{};
  std::optional<double> bytes{};
  std::optional<double> read_bytes{};
  std::optional<double> read_calls{};

  /// Of the limit of writing that is nearer.
  [[nodiscard]] std::optional<double> most() const { return std::max(records, bytes); }
  /// Of the limit of reading that is nearer.
  [[nodiscard]] std::optional<double> reading() const { return std::max(read_bytes, read_calls); }
};

Utilisation utilisation_of(const std::optional<Rate>& in, const capacity::Limits& limits,
                           const std::optional<Rate>& read = {});

}  // namespace shardlog::cli
