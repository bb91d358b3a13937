#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/core/shard_map.h"
#include "shardlog/log/settings.h"

namespace shardlog {

/// Records that were durable and went missing, and that a person has given up.
struct Loss {
  std::uint64_t records = 0;
  Timestamp accepted_at{};

  friend bool operator==(const Loss&, const Loss&) = default;
};

struct StreamDescription {
  std::string uuid;
  int format_version = 0;
  Timestamp created_at;
  StreamSettings settings;
  ShardMap map;
  /// Changes with every append. Decides which shard gets records without a key first (Router).
  std::uint64_t turn = 0;
  std::optional<Timestamp> last_arrival{};  ///< of the newest record
  std::vector<Loss> losses{};
  Attributes attributes{};
};

}  // namespace shardlog
