#include "tools/stream-serve/http/http2.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

#include "shardlog/core/threads.h"
#include "tools/stream-serve/http/http2_session.h"

namespace shardlog::serve::http {

namespace {

constexpr std::uint64_t of_news = UINT64_MAX;
constexpr int look_for_idle_ms = 1000;

/// False if the system has no memory for it.
bool watch(const cli::Descriptor& epoll, int operation, int descriptor, std::uint64_t id, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return ::epoll_ctl(epoll.get(), operation, descriptor, &event) == 0;
}

}  // namespace

Http2::Http2(ServiceSide& side, const ServerLimits& limits)
    : side_(side), limits_(limits), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.is_open() || !watch(epoll_, EPOLL_CTL_ADD, news_.get(), of_news, EPOLLIN)) {
    throw system_error("watch connections", errno);
  }
  thread_ = start_thread([this](const std::stop_token& stop) { run(stop); });
}

Http2::~Http2() = default;

void Http2::add(cli::Descriptor connection) {
  const std::lock_guard guard(mutex_);
  added_.push_back(std::move(connection));
  news_.notify();
}

void Http2::run(const std::stop_token& stop) {
  const std::stop_callback notify(stop, [this] { news_.notify(); });
  std::array<epoll_event, 64> events{};
  while (!stop.stop_requested()) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   sessions_.empty() ? -1 : look_for_idle_ms);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == of_news) {
        take_news();
      } else {
        serve(event.data.u64);
      }
    }
    close_idle();
  }
}

void Http2::take_news() {
  news_.drain();
  std::deque<cli::Descriptor> added;
  std::deque<StreamNews> told;
  {
    const std::lock_guard guard(mutex_);
    added.swap(added_);
    told.swap(told_);
  }
  for (cli::Descriptor& connection : added) {
    if (sessions_.size() < limits_.connections) begin(std::move(connection));
  }
  for (const auto& [id, stream, news] : told) {
    serve(id, [stream = stream, news = news](Http2Session& session) {
      news == Http2Session::News::cut ? session.cut(stream) : session.answer(stream);
    });
  }
}

void Http2::begin(cli::Descriptor connection) {
  const SessionId id = ++last_id_;
  const int descriptor = connection.get();
  const auto tell = [this, id](std::int32_t stream, Http2Session::News news) {
    const std::lock_guard guard(mutex_);
    told_.push_back({id, stream, news});
    news_.notify();
  };
  if (!watch(epoll_, EPOLL_CTL_ADD, descriptor, id, EPOLLIN)) return;
  const int at_once = 1;  // a piece must not wait until the client has acknowledged the one before
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
  const bool has_begun = or_without_memory(false, [&] {
    auto session = std::make_unique<Http2Session>(std::move(connection), side_, limits_, tell);
    return sessions_.emplace(id, std::move(session)).second;
  });
  if (has_begun) serve(id);
}

void Http2::serve(SessionId id, const std::function<void(Http2Session&)>& first) {
  const auto session = sessions_.find(id);
  if (session == sessions_.end()) return;
  const bool goes_on = or_without_memory(false, [&] {
    if (first) first(*session->second);
    return session->second->move();
  });
  if (!goes_on) {
    sessions_.erase(session);
    return;
  }
  // A client that does not read its answers is not read from either.
  const std::uint32_t events = session->second->wants_to_write() ? EPOLLOUT : EPOLLIN;
  watch(epoll_, EPOLL_CTL_MOD, session->second->descriptor(), id, events);
}

void Http2::close_idle() {
  const auto time = std::chrono::steady_clock::now() - limits_.idle;
  std::erase_if(sessions_, [time](const auto& session) { return session.second->is_idle_since(time); });
}

}  // namespace shardlog::serve::http
