#include "shardlog/nats/tally.h"

#include <algorithm>

namespace shardlog::nats {

void Tally::catch_up(const Visitor& visit, const std::function<void()>& restart) {
  for (;;) {
    const Trimmed& trimmed = session_.refresh(session_.patience()).trimmed;
    if (trimmed.sequence > sequence_) begin_at(trimmed);
    ends_.refresh(session_);
    const std::uint64_t began_after = sequence_;
    Scan scan(session_, {.from = sequence_ + 1, .headers_only = true});
    while (const auto message = scan.next()) {
      sequence_ = message->sequence;
      if (message->is_end()) {
        ends_.note(*message);
      } else if (!ends_.is_void(*message)) {
        const BatchFacts facts = message->facts();
        OfShard& of = shards_[message->shard];
        of.records += facts.count;
        of.bytes += facts.bytes;
        ++of.messages;
        if (visit) visit(*message, facts);
      }
    }
    if (session_.refresh(session_.patience()).trimmed.sequence <= began_after) return;
    begin_at(session_.control().trimmed);  // what was removed meanwhile may be missing
    if (restart) restart();
  }
}

void Tally::begin_at(const Trimmed& trimmed) {
  sequence_ = trimmed.sequence;
  shards_.clear();
  for (const auto& [shard, of] : trimmed.shards) shards_[shard] = {of.records, of.bytes, of.messages};
}

Tally::OfShard Tally::of(ShardId shard) const {
  const auto found = shards_.find(shard);
  return found == shards_.end() ? OfShard() : found->second;
}

std::uint64_t Tally::held() const {
  std::uint64_t bytes = 0;
  for (const auto& [shard, of] : shards_) bytes += of.bytes;
  return bytes - std::min(bytes, bytes_of(session_.control().trimmed));
}

std::uint64_t bytes_of(const Trimmed& trimmed) {
  std::uint64_t bytes = 0;
  for (const auto& [shard, of] : trimmed.shards) bytes += of.bytes;
  return bytes;
}

}  // namespace shardlog::nats
