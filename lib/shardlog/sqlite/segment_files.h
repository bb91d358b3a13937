#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/bytes.h"
#include "shardlog/sqlite/file_descriptor.h"
#include "shardlog/sqlite/page_pinner.h"
#include "shardlog/sqlite/segment_row.h"

namespace shardlog::sqlite {

/// "stream.00000007"
std::string segment_name(std::int64_t id);

/// The id in a name; nullopt if it is not the name of a segment.
std::optional<std::int64_t> segment_of(std::string_view name);

/// A segment with its lock, flock(2); or nothing. Lets go of the lock by itself: to close the file would not do, as
/// long as a child process that is being started has the descriptor too.
class HeldSegment {
 public:
  HeldSegment() = default;
  /// REQUIRES: this process has the lock of the file, if it is one
  explicit HeldSegment(FileDescriptor locked) : file_(std::move(locked)) {}
  HeldSegment(const HeldSegment&) = delete;
  HeldSegment& operator=(const HeldSegment&) = delete;
  HeldSegment(HeldSegment&&) noexcept = default;
  HeldSegment& operator=(HeldSegment&&) noexcept = default;
  ~HeldSegment();

  [[nodiscard]] int get() const { return file_.get(); }
  [[nodiscard]] bool valid() const { return file_.valid(); }

 private:
  FileDescriptor file_;
};

/// The segments in the directory of a stream. They are found by a descriptor of the directory, so that another stream
/// that has taken its name cannot be mistaken for it. Throws like system_error().
class SegmentFiles {
 public:
  explicit SegmentFiles(const std::string& directory);

  /// Opens a segment with these flags of open(2). Empty if there is none. Throws corrupt unless it is a regular file
  /// that has no other name.
  [[nodiscard]] FileDescriptor open(std::int64_t id, int flags) const;

  /// The same with the lock of the segment. Empty also if another process has that.
  [[nodiscard]] HeldSegment hold(std::int64_t id, int flags) const;

  /// Makes a segment, takes its lock, and gives it the owner and mode of stream.db. Empty if the name is taken.
  /// Throws permission if this user may not do that. REQUIRES: the writer lock is held, so that nobody sweeps it away
  [[nodiscard]] HeldSegment create(std::int64_t id) const;

  /// Returns false if it cannot be removed: then it stays until somebody sweeps it away.
  bool remove(std::int64_t id) const noexcept;

  /// What the file system has for this user, in bytes. If it does not say, that counts as enough.
  [[nodiscard]] std::int64_t free_bytes() const;

  /// Makes the names of the segments durable.
  void sync() const;

  struct File {
    std::int64_t id;
    std::int64_t size;  ///< in bytes
  };

  /// Whether this user may list the directory. Reading and writing a stream need only the right to look up names in it.
  [[nodiscard]] bool may_list() const;

  /// The regular files that are there, in the order of their ids. Leaves out what is gone meanwhile.
  [[nodiscard]] std::vector<File> list() const;

  /// In bytes; nullopt if there is no such segment.
  [[nodiscard]] std::optional<std::int64_t> size_of(std::int64_t id) const;

  /// Whether another process has the lock of this segment. Takes it for a moment to find out.
  [[nodiscard]] bool is_held(std::int64_t id) const;

 private:
  [[nodiscard]] FileDescriptor open_to_list() const;

  FileDescriptor directory_;
};

/// A payload as it is stored.
struct StoredPayload {
  Bytes bytes;
  std::shared_ptr<PinnedPages> pinned{};  ///< the beginning of the bytes; may be null
};

/// Reads payloads. It keeps the segment that it read last open, until it is told to close it: payloads that follow each
/// other are mostly in one.
class SegmentReader {
 public:
  /// `files` must outlive it.
  explicit SegmentReader(const SegmentFiles& files) : files_(files) {}

  /// Empty if there is no such segment: then its batch was trimmed after the snapshot in which it was found, or that is
  /// damage. If asked to `pin` its pages, it does so if it can. Throws corrupt if the segment is too short, and as
  /// SegmentFiles::open().
  std::optional<StoredPayload> read(const PayloadPlace& place, bool pin = false);

  /// Closes that segment: as long as it is open, its space does not come back when it is trimmed.
  void close() {
    file_ = FileDescriptor();
    id_ = 0;
  }

 private:
  bool open(std::int64_t id);
  void read_rest(const PayloadPlace& place, Bytes& to, std::size_t done) const;

  const SegmentFiles& files_;
  FileDescriptor file_;
  std::int64_t id_ = 0;  ///< of the segment that is open; 0: none
  PagePinner pinner_;
};

}  // namespace shardlog::sqlite
