#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>

#include "tools/stream-serve/api/action.h"
#include "tools/stream-serve/http/message.h"
#include "tools/stream-serve/identity/authorization.h"
#include "tools/stream-serve/identity/credentials.h"
#include "tools/stream-serve/identity/signature.h"

namespace shardlog::serve::api {

struct ServiceOptions {
  std::string account = "000000000000";
  std::string region{};                                ///< empty: that of the request's signature
  std::optional<identity::Credentials> credentials{};  ///< nullopt: signatures are not verified
};

/// The API over HTTP: from a request to its answer, in the order of checks of the service. For any number of threads.
class Service {
 public:
  Service(const Environment& environment, ServiceOptions options);

  /// The answer to a request that is refused whatever its body is: with credentials, those that nobody with a key can
  /// have signed. So the memory for bodies is only for others. Nullopt if it may go on. Does not look at the body.
  [[nodiscard]] std::optional<http::Response> admit(const http::Request& request) const;

  [[nodiscard]] http::Response answer(const http::Request& request) const;

 private:
  [[nodiscard]] http::Response answer_post(const http::Request& request) const;
  using Verify = decltype(identity::verify);
  [[nodiscard]] std::variant<identity::Authorization, identity::Unsigned> authorize(const http::Request& request,
                                                                                    Verify& verify) const;
  [[nodiscard]] http::Response run(const Action& action, wire::Document& input, const http::Request& request,
                                   wire::Form form) const;
  [[nodiscard]] Check run_action(const Action& action, Call& call) const;

  const Environment environment_;
  const ServiceOptions options_;
  std::map<std::string, Action, std::less<>> actions_;  ///< by their names
};

}  // namespace shardlog::serve::api
