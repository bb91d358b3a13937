#include "shardlog/core/threads.h"

#include <sys/resource.h>

#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>

namespace shardlog {

namespace {

void add(std::string& limits, const std::string& name, const std::string& value) {
  limits += (limits.empty() ? "" : ", ") + name + " " + value;
}

void add(std::string& limits, const std::string& name, __rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    add(limits, name, std::to_string(limit.rlim_cur));
  }
}

/// The limit of this process's own control group; empty if there is none, or none that can be seen from here.
std::string most_in_control_group() {
  std::string group;
  std::ifstream groups("/proc/self/cgroup");
  while (std::getline(groups, group) && !group.starts_with("0::")) {
  }
  std::string most;
  if (group.starts_with("0::")) std::getline(std::ifstream("/sys/fs/cgroup" + group.substr(3) + "/pids.max"), most);
  return most == "max" ? "" : most;
}

}  // namespace

Error no_thread(const std::error_code& reason) {
  std::string limits;
  add(limits, "RLIMIT_NPROC", RLIMIT_NPROC);
  add(limits, "RLIMIT_AS", RLIMIT_AS);
  if (const std::string most = most_in_control_group(); !most.empty()) add(limits, "pids.max", most);
  if (limits.empty()) limits = "kernel.threads-max";
  return {ErrorCode::busy, "start a thread: " + reason.message() + " (limits: " + limits + ")"};
}

void sleep_for(Duration time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock guard(mutex);
  never.wait_for(guard, stop, time, [] { return false; });
}

}  // namespace shardlog
