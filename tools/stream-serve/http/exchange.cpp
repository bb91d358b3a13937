#include "tools/stream-serve/http/exchange.h"

#include <algorithm>

#include "shardlog/core/numbers.h"
#include "tools/stream-serve/http/admission.h"

namespace shardlog::serve::http {

Exchange::Exchange(std::string target, Budget& bodies, Budget& answers, Client client)
    : client_(std::move(client)), incoming_(bodies), outgoing_(answers) {
  request_.target = std::move(target);
  request_.take_room = [this](std::size_t wanted) { return outgoing_.take_some(wanted); };
  incoming_.wait_for_client(client_);
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
  outgoing_.wait_for_client(client_, progress);
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
  } else if (!make_room(piece.size())) {
    answer({503, {{"connection", "close"}}, {}});
  } else {
    incoming_.move(piece.size());
    request_.body += piece;
  }
}

/// For so much more of the body. Room is made in steps that double it, because what a client announces need not come,
/// but never for more than that. What is counted is the room, and not the part of it that is used. False if the budget
/// has no more.
bool Exchange::make_room(std::size_t bytes) {
  const std::size_t needed = request_.body.size() + bytes;
  if (needed <= room_) return true;
  const auto announced = parse_number<std::size_t>(request_.header("content-length").value_or(""));
  const std::size_t most = std::max(needed, announced.value_or(most_body_bytes));
  const std::size_t room = std::min({most, most_body_bytes, std::max(needed, 2 * room_)});
  if (!incoming_.take(room - room_)) return false;
  std::string roomy;
  roomy.reserve(room);  // for a string that has room, reserve() would make more than that
  roomy += request_.body;
  request_.body = std::move(roomy);
  room_ = room;
  return true;
}

}  // namespace shardlog::serve::http
