#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/common/descriptor.h"

namespace shardlog::cli {

/// The output of one command at a time, in a file in memory that has no name.
class Spool {
 public:
  /// Holds at most `most` bytes. Throws io.
  explicit Spool(std::uint64_t most);

  void clear();

  /// False if there is no room for all of it: then it adds nothing.
  [[nodiscard]] bool add(std::string_view bytes);

  [[nodiscard]] int get() const { return file_.get(); }

 private:
  std::uint64_t most_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// Keeps the last line of a text that comes in pieces: the last one that is not blank, without its end, and at most
/// `longest` bytes from its start.
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
