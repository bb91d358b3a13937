#pragma once

#include "tools/stream-serve/http/exchange.h"
#include "tools/stream-serve/http/in_flight.h"
#include "tools/stream-serve/http/limits.h"
#include "tools/stream-serve/http/message.h"
#include "tools/stream-serve/http/workers.h"

namespace shardlog::serve::http {

/// What the connections of all protocols share: what answers, and what is bounded.
struct ServiceSide {
  ServiceSide(Gate the_gate, Handler the_handler, const ServerLimits& limits)
      : gate(std::move(the_gate)),
        handler(std::move(the_handler)),
        bodies(limits.all_bodies_bytes),
        answers(limits.all_answers_bytes),
        workers(limits.threads) {}

  /// Answers a request, in a worker. While clients leave too many answers unread, nothing is done.
  void answer(Exchange& exchange) {
    exchange.answer(answers.is_spent() ? Response{503} : handler(exchange.request()));
    exchange.set(Exchange::State::answered);
  }

  Gate gate;
  Handler handler;
  Budget bodies;
  Budget answers;
  InFlight in_flight;
  Workers workers;
};

}  // namespace shardlog::serve::http
