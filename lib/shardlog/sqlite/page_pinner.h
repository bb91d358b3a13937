#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "shardlog/log/pinned_pages.h"
#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

/// The two ends of a pipe(2) with room for this many bytes in whole pages.
struct Pipe {
  static constexpr int size = 1024 * 1024;  // what users may have, pipe(7)

  FileDescriptor out;  ///< what was written comes out here
  FileDescriptor in;
};

/// Reads bytes of a file and pins the pages that they were read from. If the bytes are right, so are those in the
/// pages; to pin the pages of bytes that were read before would not do, because the kernel may have dropped them and
/// read them from the disk again.
class PagePinner {
 public:
  /// Fills the beginning of `to` from `at` on: as much as fits into a pipe. Null, and `to` is not filled, if there is
  /// no pipe to be had or the file system has no such pages.
  std::shared_ptr<PinnedPages> read(int file, std::int64_t at, std::span<char> to);

 private:
  std::optional<Pipe> copies_;  ///< for a second reference to each page; empty between the calls
};

}  // namespace shardlog::sqlite
