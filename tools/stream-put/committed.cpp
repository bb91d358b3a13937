#include "tools/stream-put/committed.h"

#include <fmt/format.h>

namespace shardlog::cli {

std::uint64_t Committed::add(const Encoded& encoded, std::span<const Appended> stored) {
  std::uint64_t added = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const auto& [sequences, arrived_at] = stored[i];
    const RoutedBatch& batch = encoded.batches[i];
    added += sequences.size();
    if (batch.arrived_at && *batch.arrived_at != arrived_at) moved_in_time_ += sequences.size();
    last_ = fmt::format("{} of {}", sequences.last().to_string(), batch.shard.to_string());
  }
  records_ += added;
  if (!ack_) return added;
  for (const auto& [batch, index] : encoded.places) {
    output_.write(batch == Place::not_stored ? fmt::format("-\t{}\n", encoded.reasons[index])
                                             : fmt::format("{}\t{}\n", encoded.batches[batch].shard.to_string(),
                                                           stored[batch].sequences[index].to_string()));
  }
  return added;
}

std::string Committed::summary() const {
  if (records_ == 0) return "no records committed";
  const std::string moved =
      moved_in_time_ == 0 ? "" : fmt::format(", {} of them with another arrival time", moved_in_time_);
  return fmt::format("{} record{} committed{}, the last is {}", records_, records_ == 1 ? "" : "s", moved, last_);
}

}  // namespace shardlog::cli
