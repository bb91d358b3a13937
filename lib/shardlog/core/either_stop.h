#pragma once

#include <functional>
#include <stop_token>

namespace shardlog {

/// A stop that is requested as soon as one of two others is.
class EitherStop {
 public:
  EitherStop(const std::stop_token& one, const std::stop_token& other)
      : one_(one, [this] { either_.request_stop(); }), other_(other, [this] { either_.request_stop(); }) {}

  [[nodiscard]] std::stop_token token() const { return either_.get_token(); }

 private:
  std::stop_source either_;
  std::stop_callback<std::function<void()>> one_;
  std::stop_callback<std::function<void()>> other_;
};

}  // namespace shardlog
