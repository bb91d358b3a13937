#pragma once

#include "tools/stream-serve/http/budget.h"

namespace shardlog::test {

inline bool is_spent(serve::http::Budget& budget) {
  return !serve::http::Budget::Share(budget).take(1);
}

}  // namespace shardlog::test
