#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace shardlog::serve::api {

/// Why a request is not done, as the API says it.
struct Refusal {
  std::string_view type;  ///< one of the names below
  std::string message;
  int status = 400;
};

constexpr std::string_view resource_not_found = "ResourceNotFoundException";
constexpr std::string_view resource_in_use = "ResourceInUseException";
constexpr std::string_view invalid_argument = "InvalidArgumentException";
constexpr std::string_view limit_exceeded = "LimitExceededException";
constexpr std::string_view throughput_exceeded = "ProvisionedThroughputExceededException";
constexpr std::string_view expired_iterator = "ExpiredIteratorException";
constexpr std::string_view expired_token = "ExpiredNextTokenException";
constexpr std::string_view access_denied = "AccessDeniedException";
constexpr std::string_view validation = "ValidationException";
constexpr std::string_view serialization = "SerializationException";
constexpr std::string_view unknown_operation = "UnknownOperationException";
constexpr std::string_view internal_failure = "InternalFailure";
constexpr std::string_view documented_failure = "InternalFailureException";  ///< the same, of actions that document it
constexpr std::string_view unavailable = "ServiceUnavailable";

/// A value, or why there is none.
template <typename Value>
using Result = std::variant<Value, Refusal>;

/// Nullopt if there is nothing to refuse.
using Check = std::optional<Refusal>;

template <typename Value>
Refusal* refusal_of(Result<Value>& result) {
  return std::get_if<Refusal>(&result);
}

}  // namespace shardlog::serve::api
