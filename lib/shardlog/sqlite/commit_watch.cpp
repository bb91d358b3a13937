#include "shardlog/sqlite/commit_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

CommitWatch::CommitWatch(const std::string& lock_path) : stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!stop_event_.valid()) throw system_error("wait for commits", errno);
  FileDescriptor notify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (notify.valid() && ::inotify_add_watch(notify.get(), lock_path.c_str(), IN_ATTRIB | IN_MODIFY) >= 0)
    notify_ = std::move(notify);
}

std::uint64_t CommitWatch::noticed() {
  std::array<char, 4096> events{};
  while (notify_.valid() && ::read(notify_.get(), events.data(), events.size()) > 0) ++noticed_;
  return noticed_;
}

bool CommitWatch::wait(std::uint64_t& seen, Duration timeout, const std::stop_token& stop) {
  if (noticed() == seen) {
    std::uint64_t earlier_stop = 0;
    [[maybe_unused]] const auto drained = ::read(stop_event_.get(), &earlier_stop, sizeof earlier_stop);
    const std::stop_callback wake(stop, [this] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(stop_event_.get(), &one, sizeof one);
    });
    std::array<pollfd, 2> files{{{stop_event_.get(), POLLIN, 0}, {notify_.get(), POLLIN, 0}}};  // poll(2) skips -1
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
    const timespec limit{seconds.count(), std::chrono::nanoseconds(timeout - seconds).count()};
    ::ppoll(files.data(), files.size(), &limit, nullptr);  // after EINTR the caller looks again
  }
  const std::uint64_t now = noticed();
  return std::exchange(seen, now) != now;
}

}  // namespace shardlog::sqlite
