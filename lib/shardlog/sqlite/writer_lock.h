#pragma once

#include <memory>
#include <optional>
#include <string>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/durable_mark.h"
#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

/// The file `lock` of a stream. flock(2) on it serialises all writers and all checkpoints of all processes; a write to
/// it, or its time stamp, tells followers of a commit. It holds the mark of the newest commit that was synced, or
/// nothing, and one byte more says that a writer could not learn the outcome of a commit. It is never unlinked, so who
/// finds it unlinked knows that the stream was removed.
class WriterLock {
 public:
  /// `path` is a regular file with one name; symbolic and further hard links are refused as corrupt. Throws like
  /// system_error().
  WriterLock(const std::string& path, bool for_writing);

  /// Unlocks when it goes out of scope.
  class Held {
   public:
    explicit Held(const WriterLock& lock) : lock_(&lock) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    Held(Held&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    const WriterLock* lock_;
  };

  /// Waits at most `timeout`; throws busy, naming who holds the lock.
  [[nodiscard]] Held acquire(Duration timeout) const;
  /// The same, but nothing where another process holds it that long.
  [[nodiscard]] std::optional<Held> try_acquire_for(Duration timeout) const;
  /// Nothing where another process holds it.
  [[nodiscard]] std::optional<Held> try_acquire() const;

  /// Throws not_found where the name is gone or stands for another file: the stream was removed while it was in use.
  void check_present() const;

  /// Whose marks are read and written from now on.
  void set_stream(const std::string& uuid) { stream_uuid_ = uuid; }

  /// How far the stream is on disk at least; nothing where nothing valid says so. To be read before the snapshot that
  /// it is compared with: what it speaks of can be seen by then.
  [[nodiscard]] std::optional<DurableMark> mark() const;

  /// Wakes the followers. Never fails: they look by themselves now and then.
  void announce_commit() const;
  /// The same, with the mark of a commit that is synced. Where that cannot be written the mark before it stands.
  void announce_commit(const DurableMark& mark) const;

  [[nodiscard]] bool outcome_unknown() const;
  void set_outcome_unknown(bool unknown) const;

 private:
  class Waiter;

  std::string path_;
  FileDescriptor file_;
  std::string stream_uuid_;
  /// A wait that was given up but still stands in the queue. While it does, the lock may be taken through it only: what
  /// it gives back later would be what was taken past it.
  mutable std::shared_ptr<Waiter> pending_;
};

}  // namespace shardlog::sqlite
