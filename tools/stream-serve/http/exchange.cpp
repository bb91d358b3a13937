#include "tools/stream-serve/http/exchange.h"

#include "tools/stream-serve/http/admission.h"

namespace shardlog::serve::http {

void Exchange::read(std::string_view piece) {
  if (response_) return;
  if (request_.body.size() + piece.size() > most_body_bytes) {
    answer({413, {{"connection", "close"}}, {}});
  } else if (!budget_.take(piece.size())) {
    answer({503, {{"connection", "close"}}, {}});
  } else {
    taken_ += piece.size();
    request_.body += piece;
  }
}

}  // namespace shardlog::serve::http
