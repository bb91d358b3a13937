#include "tools/stream-serve/http/acceptor.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "shardlog/core/threads.h"

namespace shardlog::serve::http {

namespace {

constexpr std::string_view http2_start = "PRI ";
constexpr Duration pause_without_resources = std::chrono::milliseconds(100);
constexpr int look_for_idle_ms = 1000;

/// Nullptr stands for the stop. Connections are told only once of each piece that comes.
/// False if the system has no memory for it.
bool watch(const cli::Descriptor& epoll, int descriptor, const void* what, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = const_cast<void*>(what);
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

Acceptor::Acceptor(const cli::Descriptor& listening, const ServerLimits& limits, Take take)
    : listening_(listening), limits_(limits), take_(std::move(take)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.is_open() || !watch(epoll_, listening_.get(), this, EPOLLIN) ||
      !watch(epoll_, stop_.get(), nullptr, EPOLLIN)) {
    throw system_error("watch sockets", errno);
  }
}

void Acceptor::run(const std::stop_token& stop) {
  const std::stop_callback notify(stop, [this] { stop_.notify(); });
  while (!stop.stop_requested()) {
    try {
      move(stop);
    } catch (const std::bad_alloc&) {  // a connection was closed for it
      sleep_for(pause_without_resources, stop);
    }
    close_idle();
  }
}

void Acceptor::move(const std::stop_token& stop) {
  epoll_event event{};  // one at a time: what is looked at may go
  const int count = ::epoll_wait(epoll_.get(), &event, 1, silent_.empty() ? -1 : look_for_idle_ms);
  if (count == 1 && event.data.ptr == this) {
    accept(stop);
  } else if (count == 1 && event.data.ptr != nullptr) {
    const auto at =
        std::find_if(silent_.begin(), silent_.end(), [&event](const Silent& each) { return &each == event.data.ptr; });
    if (at != silent_.end()) look(at);
  }
}

void Acceptor::accept(const std::stop_token& stop) {
  Accepted accepted;
  accepted.connection = cli::Descriptor(::accept4(listening_.get(), reinterpret_cast<sockaddr*>(&accepted.peer),
                                                  &accepted.peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (accepted.connection.is_open()) {
    const int descriptor = accepted.connection.get();
    if (silent_.size() == limits_.connections) silent_.pop_front();
    silent_.push_back({std::move(accepted), std::chrono::steady_clock::now()});
    if (!watch(epoll_, descriptor, &silent_.back(), EPOLLIN | EPOLLRDHUP | EPOLLET)) silent_.pop_back();
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    sleep_for(pause_without_resources, stop);  // the connection waits, and epoll would return at once
  }
}

void Acceptor::look(Position silent) {
  std::array<char, http2_start.size()> bytes{};
  const int descriptor = silent->accepted.connection.get();
  const ssize_t received = ::recv(descriptor, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const std::string_view start(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(received, 0)));
  const bool may_be_http2 = received > 0 && http2_start.starts_with(start);
  if (may_be_http2 && start.size() < http2_start.size()) return;  // more has to come
  Accepted accepted = std::move(silent->accepted);
  silent_.erase(silent);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
  accepted.is_http2 = may_be_http2;
  if (received > 0) take_(std::move(accepted));
}

void Acceptor::close_idle() {
  const auto now = std::chrono::steady_clock::now();
  while (!silent_.empty() && now - silent_.front().since > limits_.idle) silent_.pop_front();
}

}  // namespace shardlog::serve::http
