#include "tools/stream-reshard/apply_plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <span>
#include <vector>

namespace shardlog::cli {

namespace {

/// Shows how many steps are done, on a terminal, if there are many.
class Progress {
 public:
  Progress(const Context& context, std::size_t steps)
      : steps_(steps), shown_(::isatty(STDERR_FILENO) != 0 && !context.quiet && steps > 100) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
  }

  void show(std::size_t done) const {
    if (shown_ && done % 100 == 0) fmt::print(stderr, "\r{} of {} steps", done, steps_);
  }

 private:
  std::size_t steps_;
  bool shown_;
};

}  // namespace

std::size_t apply_plan(Stream& stream, const reshard::Plan& plan, ShardMap::Version version,
                       const ValueChanges& attributes, const Context& context) {
  const std::vector<ReshardStep> steps = reshard::steps_of(plan);
  const Progress progress(context, plan.size());
  std::size_t done = 0;
  while (done < plan.size() && !context.stop.stop_requested()) {  // the map is valid after every step
    const ValueChanges& changes = done == 0 ? attributes : ValueChanges{};
    const auto applied = stream.resharding().apply_some(std::span(steps).subspan(done), version, changes);
    if (!applied) break;
    version = applied->version;
    done += applied->steps;
    progress.show(done);
  }
  return done;
}

}  // namespace shardlog::cli
