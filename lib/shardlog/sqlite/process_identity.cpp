#include "shardlog/sqlite/process_identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

namespace {

/// A small file of /proc without the newline at its end; empty if it cannot be read, and then errno says why.
std::optional<std::string> contents(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));  // NOLINT(*-vararg)
  std::array<char, 4096> buffer{};
  const ssize_t size = file.valid() ? ::read(file.get(), buffer.data(), buffer.size()) : -1;
  if (size < 0) return std::nullopt;
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string needed(const std::string& path) {
  const auto text = contents(path);
  if (!text) throw system_error("read " + quote(path), errno);
  return *text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// What /proc/PID/stat says (proc_pid_stat(5)).
struct ProcessStatus {
  std::string pid;
  char state = '?';
  std::string start_time;  ///< clock ticks since the boot
};

std::optional<ProcessStatus> parse_status(std::string_view text) {
  // The second field is the name in parentheses, which may contain any character.
  const std::size_t name = text.find(" (");
  const std::size_t name_end = text.rfind(") ");
  if (name == std::string_view::npos || name_end == std::string_view::npos) return std::nullopt;
  constexpr std::size_t start_time = 22 - 3;
  const auto fields = split(text.substr(name_end + 2), ' ');
  if (fields.size() <= start_time || fields[0].size() != 1) return std::nullopt;
  return ProcessStatus{std::string(text.substr(0, name)), fields[0][0], std::string(fields[start_time])};
}

std::string pid_namespace() {
  std::error_code failed;
  const std::string text = std::filesystem::read_symlink("/proc/self/ns/pid", failed);  // "pid:[4026531836]"
  if (failed) throw system_error("read '/proc/self/ns/pid'", failed.value());
  const std::size_t first = text.find('[') + 1;
  return text.substr(first, text.find(']') - first);
}

ProcessStatus own_status() {
  const auto status = parse_status(needed("/proc/self/stat"));
  if (!status) throw Error(ErrorCode::io, "read '/proc/self/stat': it has an unknown format");
  return *status;
}

std::string boot_id() {
  return needed("/proc/sys/kernel/random/boot_id");
}

}  // namespace

std::string ProcessLiveness::self() {
  return fmt::format("{}/{}/{}/{}", boot_id(), pid_namespace(), ::getpid(), own_status().start_time);
}

Liveness::State ProcessLiveness::state_of(const std::string& process) {
  const auto parts = split(process, '/');
  if (parts.size() != 4 || parts[0] != boot_id() || parts[1] != pid_namespace()) return State::unknown;
  const auto pid = parse_number<pid_t>(parts[2]);
  if (!pid || *pid <= 0) return State::unknown;
  // Asked before /proc, which may hide the processes of other users.
  if (::kill(*pid, 0) != 0 && errno == ESRCH) return State::gone;
  if (own_status().pid != std::to_string(::getpid())) return State::unknown;  // a /proc of another PID namespace
  const auto text = contents(fmt::format("/proc/{}/stat", *pid));
  const auto status = text ? parse_status(*text) : std::nullopt;
  if (!status) return State::unknown;
  const bool gone = status->state == 'Z' || status->state == 'X' || status->start_time != parts[3];
  return gone ? State::gone : State::alive;
}

std::string ProcessLiveness::describe(const std::string& process) {
  const auto parts = split(process, '/');
  return parts.size() == 4 ? "pid " + std::string(parts[2]) : "";
}

}  // namespace shardlog::sqlite
