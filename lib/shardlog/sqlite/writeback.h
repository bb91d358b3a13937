#pragma once

#include <cstdint>

namespace shardlog::sqlite {

/// Has the kernel begin to write a file to disk while SQLite still writes it to the page cache: each MiB as soon as a
/// write reaches the next one. That takes no error away from the sync: sync_file_range(2) clears none unless it waits.
///
/// SQLite tells nobody its descriptors, and another one must not be opened, because closing that drops SQLite's locks.
/// So the descriptor is looked for among those of this process. Where none is found, all is as right, and slower.
class Writeback {
 public:
  /// `path` is borrowed; nullptr for a file without a name, which is left alone.
  explicit Writeback(const char* path) : path_(path) {}

  /// After each write.
  void written(std::int64_t size, std::int64_t at) noexcept;

 private:
  const char* path_;
  int descriptor_ = -1;  ///< that it was last time
};

}  // namespace shardlog::sqlite
