#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
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
  /// The budgets for requests and for answers must outlive it. The client is cut if too much is kept for it; its socket
  /// stays open until the end of the exchange, or until leave().
  Exchange(std::string target, Budget& bodies, Budget& answers, Client client = {});
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  /// How far it has come. The thread of the connections sets it, but `answered` may come from a worker.
  enum class State { new_request, reading, working, answered };
  [[nodiscard]] State state() const { return state_; }
  void set(State state);

  [[nodiscard]] Request& request() { return request_; }
  [[nodiscard]] const std::optional<Response>& response() const { return response_; }
  /// Drops the request.
  void answer(Response response);

  /// From now on the answer, which is there, waits for the client. By HTTP/1.1 nothing else is sent meanwhile.
  void begin_sending(Budget::Progress progress);
  /// So many bytes of it have been sent.
  void sent(std::size_t bytes) { outgoing_.move(bytes); }
  [[nodiscard]] const Client& client() const { return client_; }

  /// The connection has ended, or the stream of it: what writes the answer can end. A worker may still be writing the
  /// response itself; then the end of the exchange does this.
  void leave();

  bool was_given = false;  ///< to a worker

  /// Counts a header that the request is about to get. False if there is no memory for it.
  bool take_for_header(std::size_t bytes) { return incoming_.take(bytes); }
  /// Keeps a piece of the body, or drops it if there is an answer already. If there is too much, that is the answer.
  void read(std::string_view piece);

 private:
  void leave_feed() const;
  bool make_room(std::size_t bytes);

  const Client client_;
  Budget::Share incoming_;
  Budget::Share outgoing_;
  Request request_;
  std::size_t room_ = 0;  ///< for the body
  std::optional<Response> response_;
  std::atomic<State> state_ = State::new_request;
};

}  // namespace shardlog::serve::http
