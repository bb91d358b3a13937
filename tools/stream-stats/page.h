#pragma once

#include <string>
#include <vector>

#include "tools/stream-stats/figures.h"
#include "tools/stream-stats/screen.h"

namespace shardlog::cli {

/// How to show the figures.
struct View {
  enum class Part { overview, shards, consumers, latency };

  Screen screen{};  ///< if it has a height, the page fits it, and the worst is shown
  bool all_shards = false;
  bool details = false;  ///< settings, whole times and ids too
  Part part = Part::overview;
};

/// What a person wants to know of a stream at a glance: is it alive, is it keeping up, where does it hurt, who is
/// behind, what is it.
std::string format_page(const Figures& figures, const View& view);

/// A table with a line for each stream. If the screen has a height, the worst come first.
std::string format_list(const std::vector<Figures>& streams, const Screen& screen);

}  // namespace shardlog::cli
