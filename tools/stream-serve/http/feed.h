#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "tools/stream-serve/http/budget.h"

namespace shardlog::serve::http {

/// The body of an answer that is written piece by piece, by a thread of its own, while the thread of the connection
/// sends it.
class Feed {
 public:
  Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed() = default;

  // For the thread that writes.

  /// Waits until the client has taken most of the bytes before these, and adds these. False, and nothing is added, at
  /// the stop, or if that takes longer than `patience`.
  bool write(std::string_view bytes, const std::stop_token& stop, std::chrono::microseconds patience);
  /// There is no more to write but `last`, for which there is always room.
  void end(std::string_view last = {});
  /// Requested when nobody will send what is written any more.
  [[nodiscard]] std::stop_token gone() const { return gone_.get_token(); }

  // For the connection.

  /// What is written and not sent counts for `budget`, and waits for the client. Each time that there is
  /// something to send after take() found nothing, `wake` is called once, by any thread; not after leave(). All of them
  /// must live until leave().
  void attach(Budget& budget, Client client, std::function<void()> wake);

  enum class State { open, ended, broken };
  struct Piece {
    std::size_t size = 0;
    State state = State::open;  ///< if the size is 0: open means that there is nothing yet
  };
  /// Moves the next bytes to `to`. If there is nothing yet, calls `before_wait` first: no wake() comes before it
  /// returns.
  Piece take(
      std::span<char> to, const std::function<void()>& before_wait = [] {});
  [[nodiscard]] bool has_bytes();

  /// The connection has ended.
  void leave();
  /// The server ends: what has not been sent is dropped.
  void close();

 private:
  void forget_bytes();
  void count();
  void wake_up();

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::stop_source gone_;
  // Guarded by the mutex.
  std::string bytes_;
  std::size_t sent_ = 0;  ///< of bytes_
  State state_ = State::open;
  bool waits_ = false;  ///< take() found nothing
  std::optional<Budget::Share> share_;
  std::function<void()> wake_;
};

/// The feeds that are being sent. Safe to use from any thread.
class Feeds {
 public:
  void add(const std::shared_ptr<Feed>& feed);
  /// Closes all, and those that are added later.
  void close();

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Feed>> feeds_;
  bool closed_ = false;
};

}  // namespace shardlog::serve::http
