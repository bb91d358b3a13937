#pragma once

#include <string>
#include <string_view>

namespace shardlog::cli {

/// Keeps the last line of a text that comes in pieces: the last one with more than white space, without its end, and at
/// most so many bytes from its start.
class LastLine {
 public:
  static constexpr std::size_t longest = 4096;

  void add(std::string_view bytes);
  [[nodiscard]] const std::string& get() const { return current_is_blank_ ? last_ : current_; }

 private:
  std::string last_;
  std::string current_;
  bool current_is_blank_ = true;
};

}  // namespace shardlog::cli
