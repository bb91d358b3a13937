#include "tools/stream-get/process_group.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace shardlog::cli {

namespace {

bool is_number(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// proc(5), /proc/[pid]/stat: "pid (name) state parent group ...", and a name may hold anything.
bool lives_in(const std::filesystem::path& process, pid_t group) {
  std::ifstream file(process / "stat");
  std::string line;
  if (!std::getline(file, line)) return false;  // it is gone meanwhile
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(line.substr(name_end + 1));
  char state = 0;
  pid_t parent = 0;
  pid_t its_group = 0;
  fields >> state >> parent >> its_group;
  return its_group == group && state != 'Z' && state != 'X';
}

}  // namespace

bool has_living_process(pid_t group) {
  std::error_code error;
  std::filesystem::directory_iterator processes("/proc", error);
  if (error) return true;
  for (; processes != std::filesystem::directory_iterator(); processes.increment(error)) {
    if (error) return true;
    if (is_number(processes->path().filename()) && lives_in(processes->path(), group)) return true;
  }
  return false;
}

}  // namespace shardlog::cli
