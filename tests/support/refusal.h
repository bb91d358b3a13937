#pragma once

#include <optional>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::test {

/// The code of the Error that `action` ends with; nothing where it ends well. Any other exception passes.
template <typename Action>
std::optional<ErrorCode> refusal(Action&& action) {
  try {
    std::forward<Action>(action)();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

}  // namespace shardlog::test
