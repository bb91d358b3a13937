#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/screen.h"

/// What stream-stats shows of shards.
namespace shardlog::cli {

/// How many shards to list.
struct ShardList {
  bool all = false;                    ///< even if there are many
  std::optional<std::size_t> lines{};  ///< at most this many, below the headings; the busiest come first then
};

/// A table with a line for each shard that holds something or can take something. Of more than 16 shards only the
/// busiest are listed, with a picture of all below them.
std::string format_shards(const Figures& figures, const Screen& screen, const ShardList& list);

}  // namespace shardlog::cli
