#include "tools/stream-stats/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "shardlog/core/threads.h"
#include "tools/common/output.h"
#include "tools/common/signals.h"
#include "tools/stream-stats/keyboard.h"

namespace shardlog::cli {

namespace {

constexpr const char* keys_of_parts = "1 overview  2 shards  3 consumers  4 latency  q quit";
constexpr const char* keys_of_one = "q quit";
constexpr char ctrl_z = '\x1a';

/// As much of a page as fits the screen, to be drawn over the page before it. Each line ends by clearing what was
/// there: a screen that is cleared as a whole flickers.
std::string drawn_over(const std::string& page, const Screen& screen, const std::string& keys) {
  std::string drawn = "\x1b[H";
  for (const char c : cut_to_height(page, screen)) drawn += c == '\n' ? "\x1b[K\n" : std::string(1, c);
  return drawn + "\x1b[J" + shortened(keys, screen.width - 1);
}

std::optional<View::Part> part_of(char key) {
  switch (key) {
    case '1':
      return View::Part::overview;
    case '2':
      return View::Part::shards;
    case '3':
      return View::Part::consumers;
    case '4':
      return View::Part::latency;
    default:
      return std::nullopt;
  }
}

/// What a page is shown until: the interval is over, the size of the screen changes, or a key chooses another part.
class Pause {
 public:
  /// Without `takes_keys` the keys are left to others, such as a pager that shows the output.
  Pause(Duration interval, bool takes_keys, const std::stop_token& stop, const Clock& clock)
      : interval_(interval), takes_keys_(takes_keys), stop_(stop), clock_(clock) {}

  /// False if it is time to end.
  bool wait(const Screen& screen, View::Part& part) {
    constexpr Duration look_at_size = std::chrono::milliseconds(100);
    const bool may_change = screen.height.has_value();
    const Duration end = clock_.elapsed() + interval_;
    while (!stop_.stop_requested()) {
      const Duration left = end - clock_.elapsed();
      if (left <= Duration(0) || (may_change && screen_of_output() != screen)) return true;
      const Duration time = may_change ? std::min(left, look_at_size) : left;
      if (!takes_keys_) {
        sleep_for(time, stop_);
        continue;
      }
      const auto key = Keyboard::wait(time, stop_);
      if (key == 'q') return false;
      if (key == ctrl_z) {
        stop_job();
        return true;
      }
      const auto chosen = key ? part_of(*key) : std::nullopt;
      part = chosen.value_or(part);
      if (chosen) return true;
    }
    return false;
  }

 private:
  Duration interval_;
  bool takes_keys_;
  std::stop_token stop_;
  const Clock& clock_;
};

}  // namespace

void watch(const WatchOptions& options, const Draw& draw, const Context& context) {
  const bool in_place = context.output.is_terminal() && !is_dumb_terminal() && !options.json;
  const ReaderWatch reader;
  const EitherStop end(context.stop, reader.gone());
  Pause pause(options.interval, in_place, end.token(), context.clock);
  std::string between;
  Screen screen;
  auto part = View::Part::overview;
  do {
    screen = screen_of_output();
    if (!in_place) screen.height.reset();
    const std::string page = draw(screen, part);
    const char* const keys = options.has_parts ? keys_of_parts : keys_of_one;
    context.output.write(in_place ? drawn_over(page, screen, Keyboard::is_there() ? keys : "") : between + page);
    context.output.flush();
    if (!options.json) between = "\n";
  } while (pause.wait(screen, part));
  if (in_place && Keyboard::is_there()) context.output.write("\r\x1b[K");
  if (reader.gone().stop_requested() && !context.stop.stop_requested()) die_of(SIGPIPE);
}

}  // namespace shardlog::cli
