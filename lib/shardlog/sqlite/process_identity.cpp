#include "shardlog/sqlite/process_identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"

namespace shardlog::sqlite {

namespace {

/// The beginning of a small file of /proc; nothing where it cannot be read, errno says why.
std::optional<std::string> contents(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);  // NOLINT(*-vararg)
  if (file < 0) return std::nullopt;
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(file, buffer.data(), buffer.size());
  const int error = errno;
  ::close(file);
  errno = error;
  if (size < 0) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

std::string needed(const std::string& path) {
  auto text = contents(path);
  if (!text) throw system_error("read " + quote(path), errno);
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// What /proc/PID/stat says (proc_pid_stat(5)).
struct ProcessStatus {
  std::string pid;
  char state = '?';
  std::string start_time;  ///< clock ticks since the boot
};

std::optional<ProcessStatus> parse_status(std::string_view text) {
  // The second field is the name in parentheses, which may hold any character.
  const std::size_t name = text.find(" (");
  const std::size_t behind_name = text.rfind(") ");
  if (name == std::string_view::npos || behind_name == std::string_view::npos) return std::nullopt;
  constexpr std::size_t start_time = 22 - 3;
  const auto fields = split(text.substr(behind_name + 2), ' ');
  if (fields.size() <= start_time || fields[0].size() != 1) return std::nullopt;
  return ProcessStatus{std::string(text.substr(0, name)), fields[0][0], std::string(fields[start_time])};
}

std::string pid_namespace() {
  std::array<char, 64> target{};
  const ssize_t size = ::readlink("/proc/self/ns/pid", target.data(), target.size());
  if (size < 0) throw system_error("read '/proc/self/ns/pid'", errno);
  const std::string text(target.data(), static_cast<std::size_t>(size));  // "pid:[4026531836]"
  const std::size_t first = text.find_first_of("0123456789");
  const std::size_t behind = text.find_first_not_of("0123456789", first);
  return first == std::string::npos ? text : text.substr(first, behind - first);
}

ProcessStatus own_status() {
  const auto status = parse_status(needed("/proc/self/stat"));
  if (!status) throw Error(ErrorCode::io, "read '/proc/self/stat': it is not understood");
  return *status;
}

std::string boot_id() {
  return needed("/proc/sys/kernel/random/boot_id");
}

enum class Found { here, gone, unknown };

Found find(const std::string& process_identity) {
  const auto parts = split(process_identity, '/');
  if (parts.size() != 4 || parts[0] != boot_id() || parts[1] != pid_namespace()) return Found::unknown;
  const pid_t pid = parse_number<pid_t>(parts[2]).value_or(0);
  if (pid <= 0) return Found::unknown;
  // Before /proc is asked: that may hide the processes of others.
  if (::kill(pid, 0) != 0 && errno == ESRCH) return Found::gone;
  if (own_status().pid != std::to_string(::getpid())) return Found::unknown;  // a /proc of another PID namespace
  const auto text = contents(fmt::format("/proc/{}/stat", pid));
  const auto status = text ? parse_status(*text) : std::nullopt;
  if (!status) return Found::unknown;
  const bool gone = status->state == 'Z' || status->state == 'X' || status->start_time != parts[3];
  return gone ? Found::gone : Found::here;
}

}  // namespace

std::string process_identity() {
  return fmt::format("{}/{}/{}/{}", boot_id(), pid_namespace(), ::getpid(), own_status().start_time);
}

Liveness::State ProcessLiveness::state_of(const std::string& process) {
  switch (find(process)) {
    case Found::gone:
      return State::gone;
    case Found::here:
      return State::alive;
    case Found::unknown:
      break;
  }
  return State::unknown;
}

std::string ProcessLiveness::describe(const std::string& process) {
  const auto parts = split(process, '/');
  return parts.size() == 4 ? "pid " + std::string(parts[2]) : "";
}

}  // namespace shardlog::sqlite
