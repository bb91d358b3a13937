#pragma once

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace shardlog::test {

/// The process' time zone until the end of the block.
class TimeZone {
 public:
  explicit TimeZone(const std::string& name) {
    if (const char* before = std::getenv("TZ"); before != nullptr) before_ = before;
    set(name);
  }
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;
  ~TimeZone() {
    if (before_) {
      set(*before_);
    } else {
      unsetenv("TZ");
      tzset();
    }
  }

 private:
  static void set(const std::string& name) {
    setenv("TZ", name.c_str(), 1);
    tzset();
  }

  std::optional<std::string> before_;
};

}  // namespace shardlog::test
