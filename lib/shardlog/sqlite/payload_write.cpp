#include "shardlog/sqlite/payload_write.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <functional>
#include <numeric>
#include <vector>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

namespace {

constexpr std::int64_t mib = 1024L * 1024;

/// The payloads in parts of at most 1 MiB.
std::vector<iovec> parts_of(std::span<const std::string_view> payloads) {
  std::vector<iovec> parts;
  parts.reserve(payloads.size());
  for (std::string_view payload : payloads) {
    while (!payload.empty()) {
      const std::string_view part = payload.substr(0, mib);
      // pwritev() reads only: its parts are not const because those of preadv() have the same type.
      parts.push_back({const_cast<char*>(part.data()), part.size()});  // NOLINT(*-const-cast)
      payload.remove_prefix(part.size());
    }
  }
  return parts;
}

/// How many of the parts, at least one, to write at once: at most 1 MiB.
std::size_t fitting(std::span<const iovec> parts) {
  const std::size_t most = std::min<std::size_t>(parts.size(), IOV_MAX);
  std::size_t count = 1;
  for (std::size_t size = parts[0].iov_len; count < most && size + parts[count].iov_len <= mib; ++count) {
    size += parts[count].iov_len;
  }
  return count;
}

/// What is left of the parts after `written` bytes.
std::span<iovec> rest_of(std::span<iovec> parts, std::size_t written) {
  while (!parts.empty() && written >= parts.front().iov_len) {
    written -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (written == 0) return parts;
  iovec& first = parts.front();
  first = {static_cast<char*>(first.iov_base) + written, first.iov_len - written};
  return parts;
}

}  // namespace

std::size_t size_of(std::span<const std::string_view> payloads) {
  return std::transform_reduce(payloads.begin(), payloads.end(), std::size_t{0}, std::plus(),
                               [](std::string_view payload) { return payload.size(); });
}

void write_payloads(int file, std::span<const std::string_view> payloads, std::int64_t at, Disk disk) {
  std::vector<iovec> all = parts_of(payloads);
  std::span<iovec> parts(all);
  while (!parts.empty()) {
    const ssize_t written = ::pwritev(file, parts.data(), static_cast<int>(fitting(parts)), at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error("write", errno);
    const std::int64_t end = at + written;
    if (const std::int64_t begun = at / mib; disk == Disk::at_once && end / mib > begun) {
      begin_to_disk(file, begun * mib, (begun + 1) * mib);
    }
    parts = rest_of(parts, static_cast<std::size_t>(written));
    at = end;
  }
}

void begin_to_disk(int file, std::int64_t from, std::int64_t end) {
  ::sync_file_range(file, from, end - from, SYNC_FILE_RANGE_WRITE);
}

}  // namespace shardlog::sqlite
