#include "tools/stream-get/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/common/option_table.h"
#include "tools/common/positions.h"

namespace shardlog::cli {

namespace {

/// The shards, closed and open, in which the keys were, are and will be.
std::vector<ShardId> lineage_of(const std::vector<std::string>& keys, const ShardMap& map) {
  std::vector<HashKey> hash_keys(keys.size());
  std::transform(keys.begin(), keys.end(), hash_keys.begin(), HashKey::of);
  std::vector<ShardId> lineage;
  for (const Shard& shard : map.shards()) {
    const auto holds = [&shard](HashKey key) { return shard.range.contains(key); };
    if (std::any_of(hash_keys.begin(), hash_keys.end(), holds)) lineage.push_back(shard.id);
  }
  return lineage;
}

std::vector<ShardId> shards_of(const GetCommand& command, const ShardMap& map) {
  if (!command.keys.empty()) return lineage_of(command.keys, map);
  std::vector<ShardId> shards = command.shards;
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  return shards;
}

}  // namespace

std::string start_of(const GetCommand& command) {
  return command.from.value_or("trim-horizon");
}

Position position_of(const std::string& option, const std::string& text, bool of_one_shard, Timestamp now) {
  const auto position = parse_position(text, now);
  if (!position) refuse_value(option, text, not_a_position(text, now));
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
  for (const std::string& key : command.keys) check_key(key, "--key");
  ReadRequest request;
  request.shards = shards_of(command, map);
  const bool of_one_shard = command.keys.empty() && request.shards.size() == 1;
  request.descendants = command.descendants || (!command.keys.empty() && command.follow);
  request.from = position_of("--from", start_of(command), of_one_shard, now);
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
