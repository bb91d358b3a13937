#pragma once

#include "tools/stream-serve/http/exchange.h"
#include "tools/stream-serve/http/in_flight.h"
#include "tools/stream-serve/http/message.h"
#include "tools/stream-serve/http/workers.h"

namespace shardlog::serve::http {

/// What the connections of all protocols share: what answers, and what is bounded.
struct ServiceSide {
  ServiceSide(Gate the_gate, Handler the_handler, std::size_t body_bytes, std::size_t threads)
      : gate(std::move(the_gate)), handler(std::move(the_handler)), budget(body_bytes), workers(threads) {}

  Gate gate;
  Handler handler;
  Budget budget;
  InFlight in_flight;
  Workers workers;
};

}  // namespace shardlog::serve::http
