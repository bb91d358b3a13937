#include "tools/stream-serve/http/budget.h"

#include <sys/socket.h>

#include <utility>

namespace shardlog::serve::http {

namespace {

constexpr std::size_t quick_bytes = 64UL * 1024;
constexpr auto slow_after = std::chrono::seconds(2);

}  // namespace

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
    const Share* const largest = largest_slow(now);
    if (largest == nullptr) return;
    // Its thread meets the end of the connection, and gives the shares back.
    const int socket = largest->socket_;
    ::shutdown(socket, SHUT_RDWR);
    for (Share* const share : shares_) {
      if (share->socket_ != socket) continue;
      share->socket_ = -1;
      waiting -= share->bytes_;
    }
  }
}

/// Nullptr if no slow client has anything.
Budget::Share* Budget::largest_slow(Watch::time_point now) const {
  Share* largest = nullptr;
  for (Share* const share : shares_) {
    if (!share->waits() || share->bytes_ == 0 || now - share->since_ <= slow_after) continue;
    if (largest == nullptr || share->bytes_ > largest->bytes_) largest = share;
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

void Budget::Share::wait_for_client(int socket) {
  const std::lock_guard guard(budget_.mutex_);
  socket_ = socket;
  since_ = Watch::now();
  moved_ = 0;
}

void Budget::Share::wait_no_more() {
  const std::lock_guard guard(budget_.mutex_);
  socket_ = -1;
}

void Budget::Share::move(std::size_t bytes) {
  const std::lock_guard guard(budget_.mutex_);
  moved_ += bytes;
  if (moved_ < quick_bytes) return;
  since_ = Watch::now();
  moved_ = 0;
}

}  // namespace shardlog::serve::http
