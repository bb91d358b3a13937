#include "tools/common/process_groups.h"

#include <csignal>

namespace shardlog::cli {

void ProcessGroups::add(pid_t group) {
  const std::lock_guard guard(mutex_);
  groups_.insert(group);
}

void ProcessGroups::remove(pid_t group) {
  const std::lock_guard guard(mutex_);
  groups_.erase(group);
}

bool ProcessGroups::empty() {
  const std::lock_guard guard(mutex_);
  return groups_.empty();
}

void ProcessGroups::send(int signal) {
  const std::lock_guard guard(mutex_);
  for (const pid_t group : groups_) ::kill(-group, signal);
}

}  // namespace shardlog::cli
