#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace shardlog {

/// An owned block of memory. Unlike a string it is not zeroed first, which saves time at megabytes per batch.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::size_t size)
      : data_(std::make_unique_for_overwrite<char[]>(size)), size_(size) {}  // NOLINT(*-avoid-c-arrays)

  /// A copy, in a block of its size.
  explicit Bytes(std::string_view bytes) : Bytes(bytes.size()) {
    if (!bytes.empty()) std::memcpy(data(), bytes.data(), bytes.size());
  }

  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] const char* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;  // NOLINT(*-avoid-c-arrays)
  std::size_t size_ = 0;
};

}  // namespace shardlog
