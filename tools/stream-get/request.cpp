#include "tools/stream-get/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/common/option_table.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

/// The shards, closed and open, in which the key was, is and will be.
std::vector<ShardId> lineage_of(const std::string& key, const ShardMap& map) {
  const HashKey hash_key = HashKey::of(key);
  std::vector<ShardId> lineage;
  for (const Shard& shard : map.shards()) {
    if (shard.range.contains(hash_key)) lineage.push_back(shard.id);
  }
  return lineage;
}

std::vector<ShardId> shards_of(const GetCommand& command, const ShardMap& map) {
  if (command.key) return lineage_of(*command.key, map);
  std::vector<ShardId> shards = command.shards;
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  return shards;
}

}  // namespace

Position position_of(const std::string& option, const std::string& text, bool of_one_shard, Timestamp now) {
  const auto position = parse_position(text, now);
  if (!position) {
    throw Error(ErrorCode::usage,
                fmt::format("{} {}: a position is trim-horizon, latest, last:N, at:SEQUENCE, after:SEQUENCE, an "
                            "RFC 3339 time, @EPOCH, now, or a relative time such as -10m",
                            option, quote(text)));
  }
  const bool by_sequence =
      std::holds_alternative<AtSequence>(*position) || std::holds_alternative<AfterSequence>(*position);
  if (by_sequence && !of_one_shard) {
    throw Error(
        ErrorCode::usage,
        fmt::format("{} {}: a sequence number is one of a shard; it takes exactly one --shard", option, quote(text)));
  }
  return *position;
}

ReadRequest make_request(const GetCommand& command, const ShardMap& map, Timestamp now) {
  if (command.key) check_key(*command.key, "--key");
  ReadRequest request;
  request.shards = shards_of(command, map);
  const bool of_one_shard = !command.key && request.shards.size() == 1;
  request.descendants = command.descendants || (command.key && command.follow);
  request.from = position_of("--from", command.from, of_one_shard, now);
  if (command.until) request.until = position_of("--until", *command.until, of_one_shard, now);
  request.follow = command.follow;
  request.notice = !command.poll;
  request.strict = command.strict;
  if (std::holds_alternative<Latest>(request.from) && !command.follow) {
    throw Error(ErrorCode::usage, "--from latest: nothing is there yet; it takes --follow");
  }
  return request;
}

}  // namespace shardlog::cli
