#pragma once

#include <cstdint>
#include <string_view>

#include "tools/common/descriptor.h"

namespace shardlog::cli {

/// A file without a name that holds the output of one command at a time, in memory.
class Spool {
 public:
  /// Throws io.
  Spool();

  void clear();
  void add(std::string_view bytes);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int get() const { return file_.get(); }

 private:
  Descriptor file_;
  std::uint64_t size_ = 0;
};

}  // namespace shardlog::cli
