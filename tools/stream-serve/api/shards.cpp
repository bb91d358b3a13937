#include "tools/stream-serve/api/shards.h"

#include <algorithm>
#include <chrono>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/kinesis/sequence_number.h"

namespace shardlog::serve::api {

namespace {

std::int64_t second_of(Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

Numbering::Numbering(const ShardMap& map) {
  const std::vector<std::int64_t> opened = kinesis::opened_seconds(map);
  for (std::size_t i = 0; i < opened.size(); ++i) opened_.emplace(map.shards()[i].id, opened[i]);
}

std::optional<std::string> Numbering::of(ShardId shard, const SequenceNumber& sequence, Timestamp arrived_at) const {
  const auto opened = opened_.find(shard);
  if (opened == opened_.end()) return std::nullopt;
  const auto number = parse_number<std::uint64_t>(sequence.to_string());
  if (!number || *number > kinesis::after_all_records) {
    throw Error(ErrorCode::internal,
                "sequence number " + quote(sequence.to_string()) + ": too large for Kinesis' form");
  }
  return kinesis::to_string(kinesis::SequenceNumber{opened->second, shard.number(), *number, second_of(arrived_at)});
}

std::string Numbering::of(const Shard& shard, std::uint64_t number, Timestamp arrived_at) const {
  return kinesis::to_string(
      kinesis::SequenceNumber{opened_.at(shard.id), shard.id.number(), number, second_of(arrived_at)});
}

std::string Numbering::start_of(const Shard& shard) const {
  return of(shard, kinesis::before_all_records, shard.opened_at);
}

std::string Numbering::end_of(const Shard& shard) const {
  return of(shard, kinesis::after_all_records, shard.closed_at.value_or(shard.opened_at));
}

bool is_visible(const Shard& shard, const StreamSettings& settings, Timestamp now) {
  const auto horizon = expiry(settings.retention, now);
  return shard.open() || !horizon || *shard.closed_at >= *horizon;
}

std::int64_t hours_of(Duration retention) {
  using std::chrono::hours;
  return std::chrono::ceil<hours>(std::min<Duration>(retention, hours(INT32_MAX))).count();
}

ShardPage page_of(const ShardMap& map, std::size_t limit, const std::function<bool(const Shard&)>& wanted) {
  ShardPage page;
  for (const Shard& shard : map.shards()) {
    if (!wanted(shard)) continue;
    page.has_more = page.shards.size() == limit;
    if (page.has_more) break;
    page.shards.push_back(shard);
  }
  return page;
}

void write_hash_range(wire::Writer& to, const HashRange& range) {
  to.key("HashKeyRange");
  to.begin_structure();
  to.text("StartingHashKey", range.first.to_string());
  to.text("EndingHashKey", range.last.to_string());
  to.end_structure();
}

void write_shard(wire::Writer& to, const Shard& shard, const Numbering& numbering) {
  to.begin_structure();
  to.text("ShardId", shard.id.to_string());
  if (shard.parent) to.text("ParentShardId", shard.parent->to_string());
  if (shard.adjacent_parent) to.text("AdjacentParentShardId", shard.adjacent_parent->to_string());
  write_hash_range(to, shard.range);
  to.key("SequenceNumberRange");
  to.begin_structure();
  to.text("StartingSequenceNumber", numbering.start_of(shard));
  if (!shard.open()) to.text("EndingSequenceNumber", numbering.end_of(shard));
  to.end_structure();
  to.end_structure();
}

void write_children(wire::Writer& to, const std::vector<Shard>& children) {
  to.key("ChildShards");
  to.begin_list();
  for (const Shard& child : children) {
    to.begin_structure();
    to.text("ShardId", child.id.to_string());
    to.key("ParentShards");
    to.begin_list();
    for (const ShardId parent : child.parents()) to.text(parent.to_string());
    to.end_list();
    write_hash_range(to, child.range);
    to.end_structure();
  }
  to.end_list();
}

}  // namespace shardlog::serve::api
