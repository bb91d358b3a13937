#include "tools/common/tool.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <span>
#include <utility>

#include "tools/common/version.h"

namespace shardlog::cli {

namespace {

constexpr const char* common_group = "Common to all programs";

void print_message(const std::string& program, const std::string& text) {
  const std::string line = fmt::format("{}: {}\n", program, printable(text));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

/// Buffers come and go all the time. Memory that was given back to the kernel in between would have to be cleared
/// again.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);  // the largest that malloc takes
  mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
}

ExitStatus exit_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return ExitStatus::usage;
    case ErrorCode::malformed:
    case ErrorCode::corrupt:
    case ErrorCode::unsupported:
      return ExitStatus::data;
    case ErrorCode::not_found:
      return ExitStatus::not_found;
    case ErrorCode::trimmed:
      return ExitStatus::trimmed;
    case ErrorCode::exists:
    case ErrorCode::cannot_create:
      return ExitStatus::cannot_create;
    case ErrorCode::io:
      return ExitStatus::io;
    case ErrorCode::busy:
    case ErrorCode::full:
      return ExitStatus::try_again;
    case ErrorCode::fenced:
      return ExitStatus::fenced;
    case ErrorCode::permission:
      return ExitStatus::permission;
    case ErrorCode::internal:
      break;
  }
  return ExitStatus::internal;
}

}  // namespace

void Context::message(const std::string& text) const {
  print_message(program, text);
}

void Context::warn(const std::string& text) const {
  if (!quiet) message(text);
}

void Context::detail(const std::string& text) const {
  if (verbose) message(text);
}

OpenOptions Context::open_options(Access access) const {
  OpenOptions options{access, timeout, &commit_mutex};
  if (verbose) options.tell = [name = program](const std::string& line) { print_message(name, line); };
  return options;
}

Tool::Tool(std::string name, std::string description, std::vector<std::string> synopsis, std::string brief)
    : name_(std::move(name)),
      description_(std::move(description)),
      synopsis_(std::move(synopsis)),
      brief_(std::move(brief)) {
  options_.group(common_group);
  options_.flag("-h", short_help_, "the short help");
  options_.flag("--help", long_help_, "this help");
  options_.flag("-V,--version", version_, "print the version");
  options_.flag("-q,--quiet", quiet_, "no warnings");
  options_.flag("-v,--verbose", verbose_, "say more on stderr");
  options_.duration("--timeout", timeout_, "how long to wait for another process (30s)");
}

int Tool::run(int argc, char** argv, const Command& command) {
  claim_standard_descriptors();
  keep_freed_memory();
  std::signal(SIGPIPE, SIG_DFL);  // whatever the parent chose: a vanished reader ends us without a word
  std::signal(SIGXFSZ, SIG_IGN);  // then the write fails
  Output output;
  std::optional<int> signal;
  const ExitStatus status = guard(output, [&] {
    if (!parse(argc, argv)) return ExitStatus::usage;
    if (version_ || long_help_ || short_help_) {
      output.write(version_     ? fmt::format("{} (shardlog) {}\n", name_, version)
                   : long_help_ ? full_help()
                                : usage() + brief_);
      return ExitStatus::success;
    }
    const SystemClock clock;
    std::mutex commit_mutex;
    ProcessGroups groups;
    Signals signals(commit_mutex, groups);
    Context context{name_, clock, output, signals.stop_token(), commit_mutex, groups, timeout_, quiet_, verbose_};
    const ExitStatus result = command(context);
    signal = signals.received();
    return result;
  });
  if (signal) die_of(*signal);
  return static_cast<int>(status);
}

ExitStatus Tool::guard(Output& output, const std::function<ExitStatus()>& work) const {
  try {
    const ExitStatus status = work();
    output.close();
    return status;
  } catch (const Error& error) {
    print_message(name_, error.what());
    return exit_status_of(error.code());
  } catch (const std::bad_alloc&) {
    print_message(name_, "out of memory");
    return ExitStatus::try_again;
  } catch (const std::exception& error) {
    print_message(name_, fmt::format("a bug, please report it: {}", error.what()));
    return ExitStatus::internal;
  }
}

bool Tool::parse(int argc, char** argv) {
  const std::span<char*> arguments(argv + 1, argv + argc);
  const auto asked_for = [&](std::string_view flag) {
    return std::find(arguments.begin(), arguments.end(), flag) != arguments.end();
  };
  try {
    options_.parse(arguments);
  } catch (const Error& error) {
    // Help wins over whatever is wrong or missing.
    short_help_ = asked_for("-h");
    long_help_ = asked_for("--help");
    version_ = asked_for("-V") || asked_for("--version");
    if (!short_help_ && !long_help_ && !version_) {
      print_message(name_, fmt::format("{} (see {} --help)", error.what(), name_));
      return false;
    }
  }
  return true;
}

std::string Tool::usage() const {
  std::string text = fmt::format("{} - {}\n\n", name_, description_);
  for (const std::string& line : synopsis_) text += fmt::format("  {} {}\n", name_, line);
  return text + "\n";
}

std::string Tool::full_help() const {
  return usage() + options_.help(common_group) + fmt::format("Exit status: see {}(1).\n", name_);
}

}  // namespace shardlog::cli
