#include "tools/stream-stats/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t narrowest = 20;

/// Whether the locale's characters are UTF-8 (POSIX: the first of these that is set names it).
bool utf8_locale() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes it
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    return locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos;
  }
  return false;
}

}  // namespace

Screen screen_of_output() {
  Screen screen;
  screen.unicode = utf8_locale();
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return screen;  // NOLINT(*-vararg)
  if (size.ws_col > 0) screen.width = std::max<std::size_t>(size.ws_col, narrowest);
  if (size.ws_row > 0) screen.height = size.ws_row;
  return screen;
}

std::string cut_to_height(const std::string& page, const Screen& screen) {
  const auto lines = static_cast<std::size_t>(std::count(page.begin(), page.end(), '\n'));
  if (!screen.height || lines < *screen.height) return page;  // the cursor takes the line behind the last one
  const std::size_t kept = *screen.height > 2 ? *screen.height - 2 : 0;
  std::size_t end = 0;
  for (std::size_t line = 0; line < kept; ++line) end = page.find('\n', end) + 1;
  return page.substr(0, end) + fmt::format("and {}\n", format_count(lines - kept, "more line"));
}

}  // namespace shardlog::cli
