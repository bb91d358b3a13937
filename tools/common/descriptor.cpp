#include "tools/common/descriptor.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

#include "shardlog/core/error.h"

namespace shardlog::cli {

EventDescriptor::EventDescriptor() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_.is_open()) throw system_error("make an event", errno);
}

void EventDescriptor::notify() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(get(), &one, sizeof one);
}

void EventDescriptor::drain() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(get(), &count, sizeof count);
}

}  // namespace shardlog::cli
