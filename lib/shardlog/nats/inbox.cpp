#include <fmt/format.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "shardlog/nats/connection.h"
#include "shardlog/nats/connection_parts.h"
#include "shardlog/nats/library.h"

namespace shardlog::nats {

namespace {

constexpr std::int64_t longest_flush = 1000;  // ms

/// Messages on their way from the library's thread. The library has a queue of its own, but that one drops the subject
/// of an answer 503, which says what nobody answers.
class Arrivals {
 public:
  void add(Message message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }
  std::optional<Message> next(Duration wait) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, wait, [this] { return !messages_.empty(); })) return std::nullopt;
    std::optional<Message> first = std::move(messages_.front());
    messages_.pop_front();
    return first;
  }

  void complete() {
    const std::lock_guard lock(mutex_);
    is_complete_ = true;
    changed_.notify_all();  // under the lock: whoever waits destroys this object
  }
  bool wait_until_complete() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, longest_end, [this] { return is_complete_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> messages_;
  bool is_complete_ = false;
};

void on_message(natsConnection* /*connection*/, natsSubscription* /*subscription*/, natsMsg* message, void* arrivals) {
  static_cast<Arrivals*>(arrivals)->add(Message(message));
}
void on_complete(void* arrivals) {
  static_cast<Arrivals*>(arrivals)->complete();
}

}  // namespace

struct Inbox::Parts {
  std::string prefix{};  // with the '.' at its end; empty if the subject was chosen by the caller
  natsSubscription* subscription = nullptr;
  Retired* retired = nullptr;
  std::unique_ptr<Arrivals> arrivals = std::make_unique<Arrivals>();
};

Inbox::Inbox(Connection& connection) : parts_(std::make_unique<Parts>()) {
  natsInbox* name = nullptr;
  expect(natsInbox_Create(&name), "inbox");
  parts_->prefix = fmt::format("{}.", name);
  natsInbox_Destroy(name);
  subscribe(connection, parts_->prefix + "*");
}

Inbox::Inbox(Connection& connection, const std::string& subject) : parts_(std::make_unique<Parts>()) {
  subscribe(connection, subject);
  const Blocked signals(Signals::pipe);
  natsConnection_FlushTimeout(connection.parts_->connection, longest_flush);
}

void Inbox::subscribe(Connection& connection, const std::string& subject) {
  const Blocked signals(Signals::all);
  parts_->retired = &connection.parts_->retired;
  natsSubscription*& made = parts_->subscription;
  const auto status = natsConnection_Subscribe(&made, connection.parts_->connection, subject.c_str(), on_message,
                                               parts_->arrivals.get());
  if (status != NATS_OK) return;  // the connection is closed for good: nothing will ever come
  natsSubscription_SetPendingLimits(made, -1, -1);
  natsSubscription_SetOnCompleteCB(made, on_complete, parts_->arrivals.get());
}

Inbox::~Inbox() {
  if (parts_->subscription == nullptr) return;
  {
    const Blocked signals(Signals::pipe);
    natsSubscription_Unsubscribe(parts_->subscription);
    parts_->retired->add(parts_->subscription);
  }
  // The library's thread may be about to add a message.
  if (!parts_->arrivals->wait_until_complete()) static_cast<void>(parts_->arrivals.release());
}

std::string Inbox::subject(std::string_view token) const {
  return parts_->prefix + std::string(token);
}

std::string_view Inbox::token_of(const Message& message) const {
  const std::string_view subject = message.subject();
  const bool has_token = !parts_->prefix.empty() && subject.starts_with(parts_->prefix);
  return has_token ? subject.substr(parts_->prefix.size()) : std::string_view();
}

std::optional<Message> Inbox::next(Duration wait) {
  return parts_->arrivals->next(wait);
}

}  // namespace shardlog::nats
