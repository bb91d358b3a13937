// One-record commits through the library in one process, as a producer that waits for each has them: standard input's
// lines go to STREAM, one commit each.

#include <iostream>
#include <string>
#include <variant>
#include <vector>

#include "shardlog/core/router.h"
#include "shardlog/engines.h"

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  std::ios::sync_with_stdio(false);
  const shardlog::SystemClock clock;
  shardlog::OpenOptions options;
  options.access = shardlog::Access::write;
  const auto stream = shardlog::open(argv[1], options, clock);
  const shardlog::ShardId shard = stream->describe().map.open_shards().front();
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<shardlog::RoutedBatch> batches;
    const shardlog::Record record{line, std::nullopt};
    batches.push_back({shard, shardlog::encode({&record, 1})});
    const auto outcomes = stream->append({.batches = batches});
    if (!std::holds_alternative<shardlog::Stored>(outcomes.front())) return 1;
  }
}
