#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "support/stream_test.h"

namespace shardlog::test {

/// A batch to append.
struct Piece {
  std::uint32_t shard = 0;
  std::vector<std::string> data;
};

/// What a stream holds, kept in memory by the rules alone.
class StreamModel {
 public:
  explicit StreamModel(std::uint32_t shards) : shards_(shards) {}

  /// The number of the first record of each piece.
  std::vector<std::string> append(const std::vector<Piece>& pieces, Timestamp now) {
    if (!batches_.empty()) now = std::max(now, batches_.back().arrived_at);
    std::vector<std::string> firsts;
    for (const Piece& piece : pieces) {
      Batch batch{piece.shard, now, {}};
      firsts.push_back(std::to_string(counts_[piece.shard] + 1));
      for (const std::string& data : piece.data) {
        batch.records.push_back({piece.shard, std::to_string(++counts_[piece.shard]), now, data});
      }
      batches_.push_back(std::move(batch));
    }
    return firsts;
  }

  [[nodiscard]] std::size_t batches() const { return batches_.size(); }

  /// Arrivals of all batches.
  [[nodiscard]] std::vector<Timestamp> arrivals() const {
    std::vector<Timestamp> result;
    for (const Batch& batch : batches_) result.push_back(batch.arrived_at);
    return result;
  }

  /// Of the batches behind the first `skipped` in these shards (none means all) that arrived in [from, until).
  [[nodiscard]] std::vector<Delivered> read(const std::set<std::uint32_t>& shards, std::size_t skipped,
                                            std::optional<Timestamp> from, std::optional<Timestamp> until) const {
    std::vector<Delivered> records;
    for (std::size_t i = skipped; i < batches_.size(); ++i) {
      const Batch& batch = batches_[i];
      if (!shards.empty() && !shards.contains(batch.shard)) continue;
      if (from && batch.arrived_at < *from) continue;
      if (until && batch.arrived_at >= *until) continue;
      records.insert(records.end(), batch.records.begin(), batch.records.end());
    }
    return records;
  }

  /// What arrived before this is gone for good.
  void trim(Timestamp expired) {
    while (trimmed_ < batches_.size() && batches_[trimmed_].arrived_at < expired) ++trimmed_;
  }

  /// What can be read of these shards (none means all) between two positions, while what arrived before `expired`
  /// cannot.
  [[nodiscard]] std::vector<Delivered> between(const std::set<std::uint32_t>& shards, Timestamp expired,
                                               const Position& from, const std::optional<Position>& until) const {
    const std::vector<Delivered> there = read(shards, trimmed_, expired, {});
    const std::size_t first = place_of(from, there);
    const std::size_t behind = until ? place_of(*until, there) : there.size();
    return first < behind ? std::vector<Delivered>(there.begin() + static_cast<std::ptrdiff_t>(first),
                                                   there.begin() + static_cast<std::ptrdiff_t>(behind))
                          : std::vector<Delivered>();
  }

  /// Whether statistics say the same of every shard.
  [[nodiscard]] bool agrees(const std::vector<ShardStatistics>& statistics) const {
    if (statistics.size() != shards_) return false;
    for (std::uint32_t shard = 0; shard < shards_; ++shard) {
      const std::vector<Delivered> records = read({shard}, 0, {}, {});
      const ShardStatistics& found = statistics[shard];
      std::uint64_t bytes = 0;
      for (const Delivered& record : records) bytes += record.data.size();
      const bool same = found.shard.id.number() == shard && found.records == records.size() && found.bytes == bytes &&
                        found.first.has_value() != records.empty() && found.last.has_value() != records.empty();
      if (!same) return false;
      if (!records.empty() && !(is(*found.first, records.front()) && is(*found.last, records.back()))) return false;
    }
    return true;
  }

 private:
  struct Batch {
    std::uint32_t shard = 0;
    Timestamp arrived_at;
    std::vector<Delivered> records;
  };

  /// How many of `records` are before the position.
  static std::size_t place_of(const Position& position, const std::vector<Delivered>& records) {
    if (std::holds_alternative<TrimHorizon>(position)) return 0;
    if (std::holds_alternative<Latest>(position)) return records.size();
    if (const auto* last = std::get_if<LastRecords>(&position)) {
      return records.size() - std::min<std::size_t>(records.size(), last->count);
    }
    const auto before = std::count_if(records.begin(), records.end(), [&](const Delivered& record) {
      if (const auto* at = std::get_if<AtTime>(&position)) return record.arrived_at < at->time;
      const std::uint64_t sequence = std::stoull(record.sequence);
      if (const auto* at = std::get_if<AtSequence>(&position)) return sequence < std::stoull(at->sequence.to_string());
      return sequence <= std::stoull(std::get<AfterSequence>(position).sequence.to_string());
    });
    return static_cast<std::size_t>(before);
  }

  static bool is(const ShardStatistics::End& end, const Delivered& record) {
    return end.sequence.to_string() == record.sequence && end.arrived_at == record.arrived_at;
  }

  std::uint32_t shards_;
  std::vector<Batch> batches_;
  std::size_t trimmed_ = 0;  ///< that many of them
  std::map<std::uint32_t, std::uint64_t> counts_;
};

}  // namespace shardlog::test
