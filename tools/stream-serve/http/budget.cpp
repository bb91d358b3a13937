#include "tools/stream-serve/http/budget.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace shardlog::serve::http {

namespace {

constexpr std::size_t least_moved = 64UL * 1024;
constexpr std::size_t kept_for_moved = 8;  ///< a client moves at least one byte of so many that are kept for it
constexpr auto slow_after = std::chrono::seconds(2);

/// How many bytes the peer has acknowledged; 0 if the system does not know.
std::uint64_t acknowledged_on(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_acked : 0;
}

}  // namespace

Client sole_client(int socket) {
  return {[socket] { ::shutdown(socket, SHUT_RDWR); }, socket};
}

void Budget::cut_slow(Watch::time_point now) {
  const std::lock_guard guard(mutex_);
  cut(now);
}

void Budget::cut(Watch::time_point now) {
  std::size_t waiting = 0;
  for (const Share* const share : shares_) {
    if (share->waits()) waiting += share->bytes_;
  }
  while (waiting > enough_) {
    Share* const largest = largest_slow(now);
    if (largest == nullptr) return;
    largest->client_.cut();  // the thread of its connection learns of it, and gives the share back
    largest->client_ = {};
    waiting -= largest->bytes_;
  }
}

/// Nullptr if no slow client has anything.
Budget::Share* Budget::largest_slow(Watch::time_point now) const {
  Share* largest = nullptr;
  for (Share* const share : shares_) {
    const bool is_larger = largest == nullptr || share->bytes_ > largest->bytes_;
    if (is_larger && share->is_slow(now)) largest = share;
  }
  return largest;
}

Budget::Share::Share(Budget& budget) : budget_(budget) {
  const std::lock_guard guard(budget_.mutex_);
  budget_.shares_.insert(this);
}

Budget::Share::~Share() {
  const std::lock_guard guard(budget_.mutex_);
  budget_.taken_ -= bytes_;
  budget_.shares_.erase(this);
}

bool Budget::Share::take(std::size_t bytes) {
  const std::lock_guard guard(budget_.mutex_);
  if (!budget_.has(bytes)) {
    budget_.cut(Watch::now());  // for the next one
    return false;
  }
  budget_.taken_ += bytes;
  bytes_ += bytes;
  return true;
}

std::size_t Budget::Share::take_some(std::size_t wanted) {
  const bool is_plenty = [this] {
    const std::lock_guard guard(budget_.mutex_);
    return budget_.taken_ <= budget_.enough_;
  }();
  if (is_plenty && take(wanted)) return wanted;
  return take(wanted / 8) ? wanted / 8 : 0;
}

void Budget::Share::keep(std::size_t bytes) {
  const std::lock_guard guard(budget_.mutex_);
  if (bytes_ == 0) {  // until now, there was nothing to wait for
    since_ = Watch::now();
    moved_ = 0;
  }
  budget_.taken_ -= std::exchange(bytes_, bytes);
  budget_.taken_ += bytes;
}

/// Begins to count anew if the client has moved enough.
bool Budget::Share::is_slow(Watch::time_point now) {
  if (!waits() || bytes_ == 0 || now - since_ <= slow_after) return false;
  if (acknowledged_) {
    const std::uint64_t acknowledged = acknowledged_on(client_.socket);
    moved_ += acknowledged - std::exchange(*acknowledged_, acknowledged);
  }
  if (moved_ < std::max(least_moved, bytes_ / kept_for_moved)) return true;
  since_ = now;
  moved_ = 0;
  return false;
}

void Budget::Share::wait_for_client(Client client, Progress progress) {
  const std::lock_guard guard(budget_.mutex_);
  client_ = std::move(client);
  if (progress == Progress::acknowledged) acknowledged_ = acknowledged_on(client_.socket);
  since_ = Watch::now();
  moved_ = 0;
}

void Budget::Share::wait_no_more() {
  const std::lock_guard guard(budget_.mutex_);
  client_ = {};
}

void Budget::Share::move(std::size_t bytes) {
  const std::lock_guard guard(budget_.mutex_);
  moved_ += bytes;
}

}  // namespace shardlog::serve::http
