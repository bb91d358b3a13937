#include "tools/stream-get/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // has no extern "C" of its own before glibc 2.37
}

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::cli {

namespace {

constexpr int grace_ms = 2000;
constexpr int look_ms = 10;

void check(const char* what, int error_number) {
  if (error_number == 0) return;
  const Error error = system_error(what, error_number);
  throw error.code() == ErrorCode::busy ? error : Error(ErrorCode::io, error.what());
}

/// What posix_spawn(3) needs, freed at the end.
class SpawnPlan {
 public:
  SpawnPlan() {
    check("prepare a command", ::posix_spawn_file_actions_init(&actions));
    check("prepare a command", ::posix_spawnattr_init(&attributes));
    // In a process group of its own the command does not get our signals. It does not inherit which signals we block or
    // ignore.
    sigset_t none{};
    ::sigemptyset(&none);
    sigset_t by_default{};
    ::sigemptyset(&by_default);
    ::sigaddset(&by_default, SIGPIPE);
    ::sigaddset(&by_default, SIGXFSZ);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &by_default);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    check("prepare a command",
          ::posix_spawnattr_setflags(
              &attributes, static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)));
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }

  /// Gives the command a pipe as this descriptor. Returns our end. Only our end does not block.
  Descriptor pipe_as(int descriptor) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) check("make a pipe", errno);
    Descriptor theirs(ends[0]);
    Descriptor ours(ends[1]);
    if (descriptor != STDIN_FILENO) std::swap(theirs, ours);
    check("prepare a command", ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), descriptor));
    if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) check("set up a pipe", errno);
    given_.push_back(std::move(theirs));
    return ours;
  }

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

 private:
  std::vector<Descriptor> given_;  // the command's ends, open until it is started
};

/// As exec(2) wants them.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t spawn_shell(const SpawnPlan& plan, const std::string& command, std::vector<std::string>& environment) {
  std::vector<std::string> words{"sh", "-c", "--", command};  // the command may begin with a dash
  const auto arguments = pointers_to(words);
  const auto variables = pointers_to(environment);
  pid_t pid = -1;
  check("start '/bin/sh'",
        ::posix_spawn(&pid, "/bin/sh", &plan.actions, &plan.attributes, arguments.data(), variables.data()));
  return pid;
}

/// proc(5), /proc/[pid]/stat: "pid (name) state parent group ...", and a name may hold anything.
bool lives_in(const std::filesystem::path& process, pid_t group) {
  std::ifstream file(process / "stat");
  std::string line;
  if (!std::getline(file, line)) return false;  // it has ended meanwhile
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(line.substr(name_end + 1));
  char state = 0;
  pid_t parent = 0;
  pid_t its_group = 0;
  fields >> state >> parent >> its_group;
  return its_group == group && state != 'Z' && state != 'X';
}

/// Whether the group has a process that is not a zombie. True if /proc does not tell.
bool has_living_process(pid_t group) {
  std::error_code error;
  std::filesystem::directory_iterator processes("/proc", error);
  if (error) return true;
  for (; processes != std::filesystem::directory_iterator(); processes.increment(error)) {
    if (error) return true;
    const std::string name = processes->path().filename();
    const bool is_process = name.find_first_not_of("0123456789") == std::string::npos;
    if (is_process && lives_in(processes->path(), group)) return true;
  }
  return false;
}

}  // namespace

ChildProcess::ChildProcess(Setup setup, ProcessGroups& groups) : groups_(groups) {
  SpawnPlan plan;
  input = plan.pipe_as(STDIN_FILENO);
  if (setup.take_output) output = plan.pipe_as(STDOUT_FILENO);
  if (setup.take_errors) errors = plan.pipe_as(STDERR_FILENO);
  pid_ = groups_.start([&] { return spawn_shell(plan, setup.command, setup.environment); });
  process_ = Descriptor(::pidfd_open(pid_, 0));
  if (!process_.is_open()) {
    const int error_number = errno;
    ::kill(-pid_, SIGKILL);
    reap();
    check("watch a command", error_number);
  }
}

ChildProcess::~ChildProcess() {
  if (!reaped_) terminate();
}

int ChildProcess::reap() {
  siginfo_t info{};
  // It stays a zombie until `groups_` sends it no more signals, so that no other process gets its number before that.
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  groups_.remove(pid_);
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  reaped_ = true;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

void ChildProcess::terminate() {
  ::kill(-pid_, SIGTERM);
  ::kill(-pid_, SIGCONT);
  // What the shell has started may outlive it.
  for (int waited = 0; waited < grace_ms && !(has_ended(look_ms) && !has_living_process(pid_)); waited += look_ms) {
    if (has_ended(0)) ::poll(nullptr, 0, look_ms);
  }
  ::kill(-pid_, SIGKILL);
  reap();
}

bool ChildProcess::has_ended(int longest_wait) const {
  pollfd process{process_.get(), POLLIN, 0};
  return ::poll(&process, 1, longest_wait) > 0;
}

}  // namespace shardlog::cli
