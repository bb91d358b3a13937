#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace shardlog {

/// A block of memory with an owner. Unlike a string it is not zeroed first, which shows at megabytes per batch.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::size_t size)
      : data_(std::make_unique_for_overwrite<char[]>(size)), size_(size) {}  // NOLINT(*-avoid-c-arrays)

  /// To at most its size; the memory stays.
  void shrink(std::size_t size) { size_ = size; }

  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] const char* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;  // NOLINT(*-avoid-c-arrays)
  std::size_t size_ = 0;
};

}  // namespace shardlog
