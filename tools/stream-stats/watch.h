#pragma once

#include <functional>
#include <string>

#include "tools/common/tool.h"
#include "tools/stream-stats/page.h"
#include "tools/stream-stats/screen.h"

namespace shardlog::cli {

struct WatchOptions {
  Duration interval;
  bool json = false;       ///< an object a line, also on a terminal
  bool has_parts = false;  ///< keys choose among them
};

/// Makes a page for a screen.
using Draw = std::function<std::string(const Screen&, View::Part)>;

/// Shows a page again and again, until a signal comes, a person presses q, or the reader of the output goes away. On a
/// terminal that is not dumb each page takes the place of the one before, and the keys 1 to 4 choose the part that is
/// shown; elsewhere an empty line stands between the pages.
void watch(const WatchOptions& options, const Draw& draw, const Context& context);

}  // namespace shardlog::cli
