#include "tools/stream-get/taken_ledger.h"

#include <map>
#include <utility>

namespace shardlog::cli {

std::vector<consuming::Processed> TakenLedger::take(std::uint64_t taken) {
  std::map<ShardId, SequenceNumber> last;
  for (; !records_.empty() && records_.front().end <= taken; records_.pop_front()) {
    last.insert_or_assign(records_.front().shard, std::move(records_.front().sequence));
  }
  std::vector<consuming::Processed> result;
  result.reserve(last.size());
  for (auto& [shard, sequence] : last) result.push_back({shard, std::move(sequence)});
  return result;
}

}  // namespace shardlog::cli
