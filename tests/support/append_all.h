#pragma once

#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "shardlog/log/stream.h"

namespace shardlog::test {

/// What became of each batch where all are stored; nothing where they are sealed.
inline std::optional<std::vector<Stored>> append_all(Stream& stream, std::span<const RoutedBatch> batches, Sync sync,
                                                     std::span<const ProducerMove> moves = {}) {
  std::vector<Stored> stored;
  for (Outcome& outcome : stream.append({batches, sync, moves})) {
    if (std::holds_alternative<Sealed>(outcome)) return std::nullopt;
    stored.push_back(std::get<Stored>(std::move(outcome)));
  }
  return stored;
}

}  // namespace shardlog::test
