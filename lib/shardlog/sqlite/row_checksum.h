#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shardlog::sqlite {

/// The checksum of a row that holds texts: XXH3-64 of its columns one after the other, each as its size in decimal, a
/// colon, its bytes and a newline. A number is written as its decimal digits; NULL is a hyphen and a newline.
class RowChecksum {
 public:
  RowChecksum& add(std::string_view column);
  RowChecksum& add(std::int64_t column);
  RowChecksum& add_null();

  [[nodiscard]] std::int64_t value() const;

 private:
  std::string columns_;
};

}  // namespace shardlog::sqlite
