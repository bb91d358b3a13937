#pragma once

#include <cstddef>

#include "shardlog/core/export.h"

namespace shardlog {

/// Bytes of a file that splice(2) can hand to another pipe without a copy: a pipe of their own refers to the pages of
/// the file's cache that hold them. They can be handed over once.
///
/// The pages stay those of the file even in the other pipe: whoever reads that sees what is in the file by then. So
/// this is only for bytes that are never written again. To unlink the file does no harm.
class PinnedPages {
 public:
  /// Takes the end of the pipe that is read from, with these bytes in it.
  PinnedPages(int pipe, std::size_t size) : pipe_(pipe), size_(size) {}
  PinnedPages(const PinnedPages&) = delete;
  PinnedPages& operator=(const PinnedPages&) = delete;
  SHARDLOG_API ~PinnedPages();

  /// Keeps `count` bytes from `first` on, or fewer if there are fewer, and drops the rest. Returns false if none is
  /// left.
  SHARDLOG_API bool keep(std::size_t first, std::size_t count);

  [[nodiscard]] int pipe() const { return pipe_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  int pipe_;
  std::size_t size_;  ///< the pipe may hold more
};

}  // namespace shardlog
