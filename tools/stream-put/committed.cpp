#include "tools/stream-put/committed.h"

#include <fmt/format.h>

namespace shardlog::cli {

std::uint64_t Committed::add(const Encoded& encoded, std::span<const SequenceRun> runs) {
  std::uint64_t added = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    added += runs[i].size();
    last_ = fmt::format("{} of {}", runs[i].last().to_string(), encoded.batches[i].shard.to_string());
  }
  records_ += added;
  if (!ack_) return added;
  for (const auto& [batch, index] : encoded.places) {
    output_.write(batch == Place::not_stored ? fmt::format("-\t{}\n", encoded.reasons[index])
                                             : fmt::format("{}\t{}\n", encoded.batches[batch].shard.to_string(),
                                                           runs[batch][index].to_string()));
  }
  return added;
}

std::string Committed::summary() const {
  if (records_ == 0) return "no records committed";
  return fmt::format("{} record{} committed, the last is {}", records_, records_ == 1 ? "" : "s", last_);
}

}  // namespace shardlog::cli
