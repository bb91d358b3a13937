#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace shardlog::cli {

/// What a page has to fit on.
struct Screen {
  std::size_t width = 80;
  std::optional<std::size_t> height{};  ///< nothing: it may be as long as it is
  bool unicode = false;                 ///< whether more than ASCII can be drawn

  friend bool operator==(const Screen&, const Screen&) = default;
};

/// Of the terminal that standard output is as it is now; elsewhere one of 80 columns.
Screen screen_of_output();

/// The beginning of `page` that fits the screen's height, with a last line that says how much was left out.
std::string cut_to_height(const std::string& page, const Screen& screen);

}  // namespace shardlog::cli
