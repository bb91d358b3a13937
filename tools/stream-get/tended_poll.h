#pragma once

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "shardlog/consuming/delivery.h"

namespace shardlog::cli {

/// Throws io with errno's reason: "<what>: <reason>".
[[noreturn]] inline void fail_io(const char* what) {
  throw Error(ErrorCode::io, system_error(what, errno).what());
}

inline void tend_if_due(consuming::Lifeline& lifeline) {
  if (lifeline.until_due() <= Duration(0)) lifeline.tend();
}

/// poll(2) while leases must be kept: waits until a file is ready, `longest` is over, or the lifeline is due. After a
/// signal no file is ready. Throws io; `what` says what failed.
inline void tended_poll(std::span<pollfd> files, Duration longest, consuming::Lifeline& lifeline, const char* what) {
  constexpr Duration most = std::chrono::hours(1);  // an int counts milliseconds
  const Duration wait = std::clamp(std::min(longest, lifeline.until_due()), Duration(0), most);
  const auto timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
  if (::poll(files.data(), files.size(), timeout) < 0 && errno != EINTR) fail_io(what);
}

}  // namespace shardlog::cli
