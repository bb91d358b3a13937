#pragma once

#include <string>

#include "tools/stream-stats/history.h"

namespace shardlog::cli {

/// A text for HTML and SVG, with what would be markup escaped.
std::string markup(const std::string& text);

/// A picture as SVG, with its courses as lines, an axis of time below and one of values on the left. Colours come from
/// the classes of the page: axis, grid, and course-0, course-1 and so on.
std::string svg(const Picture& picture, const History& history);

}  // namespace shardlog::cli
