#include "tools/stream-serve/http/exchange.h"

#include "tools/stream-serve/http/admission.h"

namespace shardlog::serve::http {

void Exchange::answer(Response response) {
  bodies_.give_back(std::exchange(taken_, 0));
  std::string().swap(request_.body);
  // The answer is there already, and what it tells of may be stored: refusing it would help nobody.
  answers_.overdraw(response.body.size());
  answers_.give_back(std::exchange(taken_for_answer_, response.body.size()));
  response_ = std::move(response);
}

void Exchange::read(std::string_view piece) {
  if (response_) return;
  if (request_.body.size() + piece.size() > most_body_bytes) {
    answer({413, {{"connection", "close"}}, {}});
  } else if (!bodies_.take(piece.size())) {
    answer({503, {{"connection", "close"}}, {}});
  } else {
    taken_ += piece.size();
    request_.body += piece;
  }
}

}  // namespace shardlog::serve::http
