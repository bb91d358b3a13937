#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tools/stream-serve/http/message.h"

namespace shardlog::serve::http {

/// The memory for the bodies of all requests together, or of all answers. Safe to use from any thread.
class Budget {
 public:
  explicit Budget(std::size_t bytes) : bytes_(bytes) {}

  /// False, and nothing is taken, if less is left.
  bool take(std::size_t bytes) {
    const std::lock_guard guard(mutex_);
    if (taken_ > bytes_ || bytes > bytes_ - taken_) return false;
    taken_ += bytes;
    return true;
  }

  /// Takes more than is left if need be.
  void overdraw(std::size_t bytes) {
    const std::lock_guard guard(mutex_);
    taken_ += bytes;
  }

  [[nodiscard]] bool is_spent() {
    const std::lock_guard guard(mutex_);
    return taken_ >= bytes_;
  }

  void give_back(std::size_t bytes) {
    const std::lock_guard guard(mutex_);
    taken_ -= bytes;
  }

 private:
  std::mutex mutex_;
  const std::size_t bytes_;
  std::size_t taken_ = 0;
};

/// The answer to a request that comes when the server closes: the client may try again, elsewhere.
inline Response closing_response() {
  return {503, {{"connection", "close"}}, {}};
}

/// A request on its way in, and its answer on its way out.
class Exchange {
 public:
  /// The budgets for bodies of requests and of answers must outlive it.
  Exchange(std::string target, Budget& bodies, Budget& answers) : bodies_(bodies), answers_(answers) {
    request_.target = std::move(target);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    bodies_.give_back(taken_);
    answers_.give_back(taken_for_answer_);
  }

  /// How far it has come. The thread of the connections sets it, but `answered` may come from a worker.
  enum class State { new_request, reading, working, answered };
  [[nodiscard]] State state() const { return state_; }
  void set(State state) { state_ = state; }

  [[nodiscard]] Request& request() { return request_; }
  [[nodiscard]] const std::optional<Response>& response() const { return response_; }
  /// Drops the body of the request.
  void answer(Response response);

  bool was_given = false;  ///< to a worker

  /// Keeps a piece of the body, or drops it if there is an answer already. If there is too much, that is the answer.
  void read(std::string_view piece);

 private:
  Budget& bodies_;
  Budget& answers_;
  std::size_t taken_ = 0;
  std::size_t taken_for_answer_ = 0;
  Request request_;
  std::optional<Response> response_;
  std::atomic<State> state_ = State::new_request;
};

}  // namespace shardlog::serve::http
