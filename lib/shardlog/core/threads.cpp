#include "shardlog/core/threads.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

namespace shardlog {

namespace {

/// "RLIMIT_NPROC 100" if the limit is set; empty if it is not.
std::string text_of(const char* name, __rlimit_resource resource) {
  rlimit limit{};
  const bool is_set = ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return is_set ? fmt::format("{} {}", name, limit.rlim_cur) : "";
}

/// "pids.max 100", the limit of this process's own control group; empty if there is none, or none visible from here.
std::string control_group_text() {
  std::string group;
  std::ifstream groups("/proc/self/cgroup");
  while (std::getline(groups, group) && !group.starts_with("0::")) {
  }
  std::string most;
  if (group.starts_with("0::")) std::getline(std::ifstream("/sys/fs/cgroup" + group.substr(3) + "/pids.max"), most);
  return most.empty() || most == "max" ? "" : "pids.max " + most;
}

}  // namespace

Error no_thread(const std::error_code& reason) {
  std::vector<std::string> limits{text_of("RLIMIT_NPROC", RLIMIT_NPROC), text_of("RLIMIT_AS", RLIMIT_AS),
                                  control_group_text()};
  std::erase(limits, "");
  if (limits.empty()) limits.emplace_back("kernel.threads-max");
  return {ErrorCode::busy, fmt::format("start a thread: {} (limits: {})", reason.message(), fmt::join(limits, ", "))};
}

void sleep_for(Duration time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock guard(mutex);
  never.wait_for(guard, stop, time, [] { return false; });
}

}  // namespace shardlog
