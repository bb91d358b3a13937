#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "shardlog/consuming/delivery.h"

namespace shardlog::cli {

/// Which records the reader of an output has taken, by where each of them ends in it.
class TakenLedger {
 public:
  /// A record of which the last byte stands before `end`, counted from the first one of the output. To be called in the
  /// order of the output.
  void add(std::uint64_t end, ShardId shard, SequenceNumber sequence) {
    records_.push_back({end, shard, std::move(sequence)});
  }

  /// Of each shard the last record that is taken, when the first `taken` bytes are; only shards with such that were not
  /// told before.
  std::vector<consuming::Processed> take(std::uint64_t taken);

 private:
  struct Entry {
    std::uint64_t end;
    ShardId shard;
    SequenceNumber sequence;
  };

  std::deque<Entry> records_;  // that are not taken
};

}  // namespace shardlog::cli
