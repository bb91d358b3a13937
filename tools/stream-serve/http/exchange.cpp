#include "tools/stream-serve/http/exchange.h"

#include "tools/stream-serve/http/admission.h"

namespace shardlog::serve::http {

Exchange::Exchange(std::string target, Budget& bodies, Budget& answers, int socket)
    : socket_(socket), incoming_(bodies), outgoing_(answers) {
  request_.target = std::move(target);
  request_.take_room = [this](std::size_t wanted) { return outgoing_.take_some(wanted); };
  incoming_.wait_for_client(socket_);
}

Exchange::~Exchange() {
  leave_feed();
}

void Exchange::set(State state) {
  if (state == State::working) incoming_.wait_no_more();
  state_ = state;
}

void Exchange::answer(Response response) {
  request_ = {};
  incoming_.keep(0);
  // The answer is there already, and what it tells of may be stored: refusing it would help nobody.
  outgoing_.keep(response.body.size());
  response_ = std::move(response);
}

void Exchange::begin_sending(Budget::Progress progress) {
  set(State::answered);
  outgoing_.wait_for_client(socket_, progress);
}

void Exchange::leave() {
  if (state_ != State::answered) return;
  outgoing_.wait_no_more();
  leave_feed();
}

void Exchange::leave_feed() const {
  if (response_ && response_->feed) response_->feed->leave();
}

void Exchange::read(std::string_view piece) {
  if (response_) return;
  if (request_.body.size() + piece.size() > most_body_bytes) {
    answer({413, {{"connection", "close"}}, {}});
  } else if (!incoming_.take(piece.size())) {
    answer({503, {{"connection", "close"}}, {}});
  } else {
    incoming_.move(piece.size());
    request_.body += piece;
  }
}

}  // namespace shardlog::serve::http
