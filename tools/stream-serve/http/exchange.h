#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "tools/stream-serve/http/budget.h"
#include "tools/stream-serve/http/feed.h"
#include "tools/stream-serve/http/message.h"

namespace shardlog::serve::http {

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
    leave_feed();
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

  /// The connection has ended, or the stream of it: what writes the answer can end. A worker may still be writing the
  /// response itself; then the end of the exchange does this.
  void leave() const {
    if (state_ == State::answered) leave_feed();
  }

  bool was_given = false;  ///< to a worker

  /// Keeps a piece of the body, or drops it if there is an answer already. If there is too much, that is the answer.
  void read(std::string_view piece);

 private:
  void leave_feed() const {
    if (response_ && response_->feed) response_->feed->leave();
  }

  Budget& bodies_;
  Budget& answers_;
  std::size_t taken_ = 0;
  std::size_t taken_for_answer_ = 0;
  Request request_;
  std::optional<Response> response_;
  std::atomic<State> state_ = State::new_request;
};

}  // namespace shardlog::serve::http
