#include "tools/stream-serve/http/feed.h"

#include <algorithm>
#include <utility>

namespace shardlog::serve::http {

namespace {

/// How much a client may be behind before the writer waits for it.
constexpr std::size_t room = 256UL * 1024;

}  // namespace

bool Feed::write(std::string_view bytes, const std::stop_token& stop, std::chrono::microseconds patience) {
  std::unique_lock guard(mutex_);
  const auto has_room = [this] { return bytes_.size() - sent_ < room || state_ != State::open; };
  if (!changed_.wait_for(guard, stop, patience, has_room) || state_ != State::open) return false;
  bytes_.erase(0, std::exchange(sent_, 0));
  bytes_ += bytes;
  count();
  wake_up();
  return true;
}

void Feed::end(std::string_view last) {
  const std::lock_guard guard(mutex_);
  if (state_ != State::open) return;
  bytes_ += last;
  count();
  state_ = State::ended;
  wake_up();
}

void Feed::attach(Budget& budget, Client client, std::function<void()> wake) {
  const std::lock_guard guard(mutex_);
  share_.emplace(budget);
  share_->wait_for_client(std::move(client));
  count();
  wake_ = std::move(wake);
}

Feed::Piece Feed::take(std::span<char> to, const std::function<void()>& before_wait) {
  const std::lock_guard guard(mutex_);
  const std::size_t size = std::min(to.size(), bytes_.size() - sent_);
  if (size == 0 && state_ == State::open) {
    before_wait();
    waits_ = true;
    return {};
  }
  std::copy_n(bytes_.data() + sent_, size, to.data());
  sent_ += size;
  count();
  if (share_) share_->move(size);
  changed_.notify_all();
  return {size, state_};
}

bool Feed::has_bytes() {
  const std::lock_guard guard(mutex_);
  return sent_ < bytes_.size();
}

void Feed::leave() {
  {
    const std::lock_guard guard(mutex_);
    wake_ = {};
    forget_bytes();
    share_.reset();
    state_ = State::broken;
    changed_.notify_all();
  }
  gone_.request_stop();
}

void Feed::close() {
  {
    const std::lock_guard guard(mutex_);
    if (state_ == State::open || sent_ < bytes_.size()) state_ = State::broken;
    forget_bytes();
    wake_up();
    changed_.notify_all();
  }
  gone_.request_stop();
}

void Feed::forget_bytes() {
  std::string().swap(bytes_);
  sent_ = 0;
  count();
}

/// What is not sent.
void Feed::count() {
  if (share_) share_->keep(bytes_.size() - sent_);
}

void Feed::wake_up() {
  if (std::exchange(waits_, false) && wake_) wake_();
}

void Feeds::add(const std::shared_ptr<Feed>& feed) {
  const std::lock_guard guard(mutex_);
  if (closed_) return feed->close();
  std::erase_if(feeds_, [](const auto& each) { return each.expired(); });
  feeds_.push_back(feed);
}

void Feeds::close() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  for (const auto& each : feeds_) {
    if (const auto feed = each.lock()) feed->close();
  }
}

}  // namespace shardlog::serve::http
