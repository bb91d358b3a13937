#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct __natsMsg;  // NOLINT(*-reserved-identifier): the name that nats.h gives it

namespace shardlog::nats {

/// Names and values, in the order in which they are sent.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// A message that a server has sent. The views point into it.
class Message {
 public:
  /// Takes it over. REQUIRES: not null
  explicit Message(__natsMsg* message) : message_(message) {}

  [[nodiscard]] std::string_view subject() const;
  [[nodiscard]] std::string_view reply() const;  ///< empty if it expects no answer
  [[nodiscard]] std::string_view data() const;
  [[nodiscard]] std::optional<std::string_view> header(const char* name) const;

  /// 503 (nobody answers), 404, 408, 409 or 100 of a message that only tells a status; 0 of every other.
  [[nodiscard]] int status() const;

 private:
  struct Destroy {
    void operator()(__natsMsg* message) const;
  };
  std::unique_ptr<__natsMsg, Destroy> message_;
};

}  // namespace shardlog::nats
