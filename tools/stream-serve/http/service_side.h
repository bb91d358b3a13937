#pragma once

#include <new>

#include "tools/stream-serve/http/budget.h"
#include "tools/stream-serve/http/exchange.h"
#include "tools/stream-serve/http/feed.h"
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
        bodies(limits.all_bodies_bytes, limits.enough_bytes),
        answers(limits.all_answers_bytes, limits.enough_bytes),
        workers(limits.threads, limits.most_threads) {}

  /// Answers a request, in a worker. A shortage of memory is an answer too.
  void answer(Exchange& exchange) {
    try {
      exchange.answer(handler(exchange.request()));
    } catch (const std::bad_alloc&) {
      exchange.answer({503});
    }
    exchange.set(Exchange::State::answered);
  }

  Gate gate;
  Handler handler;
  Budget bodies;
  Budget answers;
  Feeds feeds;
  InFlight in_flight;
  Workers workers;
};

/// What `work` returns, or `otherwise` if it runs out of memory: for code that libraries of C call.
template <typename Result, typename Work>
Result or_without_memory(Result otherwise, const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return otherwise;
  }
}

}  // namespace shardlog::serve::http
