#include "tools/stream-get/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "shardlog/core/nearest.h"
#include "tools/common/option_table.h"
#include "tools/common/positions.h"

namespace shardlog::cli {

namespace {

/// All shards, closed and open, whose hash range holds one of the keys.
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

std::string written_position(const GetCommand& command) {
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
        fmt::format("{} {}: each shard has its own sequence numbers; give exactly one --shard", option, quote(text)));
  }
  return *position;
}

ReadRequest make_request(const GetCommand& command, const ShardMap& map, Timestamp now) {
  for (const std::string& key : command.keys) check_key(key, "--key");
  ReadRequest request;
  request.shards = shards_of(command, map);
  const bool of_one_shard = command.keys.empty() && request.shards.size() == 1;
  request.descendants = command.descendants || (!command.keys.empty() && command.follow);
  request.from = position_of("--from", written_position(command), of_one_shard, now);
  if (command.until) request.until = position_of("--until", *command.until, of_one_shard, now);
  request.follow = command.follow;
  request.notice = !command.poll;
  request.strict = command.strict;
  if (std::holds_alternative<Latest>(request.from) && !command.follow) {
    throw Error(ErrorCode::usage, "--from latest: there is nothing to read yet without --follow");
  }
  return request;
}

std::string nearest_consumer(Stream& stream, const std::string& name) {
  std::vector<std::string> names;
  for (const Consumer& consumer : stream.leases().all()) {
    if (consumer.name != name) names.push_back(consumer.name);
  }
  return did_you_mean(name, names);
}

}  // namespace shardlog::cli
