#include "tools/stream-get/last_line.h"

#include <algorithm>
#include <utility>

namespace shardlog::cli {

void LastLine::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (part.find_first_not_of(" \t\r") != std::string_view::npos) current_is_blank_ = false;
    current_ += part.substr(0, longest - std::min(longest, current_.size()));
    if (end == std::string_view::npos) return;
    if (current_.ends_with('\r')) current_.pop_back();
    if (!std::exchange(current_is_blank_, true)) last_ = std::move(current_);
    current_.clear();
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace shardlog::cli
