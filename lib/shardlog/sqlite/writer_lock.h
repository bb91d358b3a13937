#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shardlog/core/clock.h"
#include "shardlog/sqlite/file_descriptor.h"

namespace shardlog::sqlite {

/// How far a stream is known to be on disk. SQLite ends its log at the first damaged frame and says nothing of what
/// came after it, so this is kept elsewhere: in `lock`, written after the sync of a commit. It may be older than the
/// log, after a power cut for instance, but never newer.
struct DurableMark {
  std::int64_t batch = 0;    ///< the newest that was synced
  std::int64_t numbers = 0;  ///< how many sequence numbers all shards had given out by then
};

/// The file `lock` of a stream. All writers and all checkpoints of all processes take turns by flock(2) on it. A write
/// to it, or a new time stamp, tells followers of a commit. It holds the mark of the newest synced commit, or is empty;
/// one more byte says that a writer could not learn the outcome of a commit. It is never unlinked while the stream
/// exists, so a process that finds it unlinked knows that the stream was removed.
class WriterLock {
 public:
  /// Throws like system_error(), and corrupt unless `path` is a regular file with one name: symbolic and further hard
  /// links are refused.
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

  /// Waits at most `timeout`; throws busy, naming the process that holds the lock.
  [[nodiscard]] Held acquire(Duration timeout) const;
  /// The same, but empty if another process holds the lock that long.
  [[nodiscard]] std::optional<Held> try_acquire_for(Duration timeout) const;
  /// Empty if another process holds the lock.
  [[nodiscard]] std::optional<Held> try_acquire() const;

  /// Throws not_found if the name is gone or stands for another file: the stream was removed while it was in use.
  void check_present() const;

  /// The stream whose marks are read and written from now on.
  void set_stream(const std::string& uuid) { stream_uuid_ = uuid; }

  /// How far the stream is on disk at least; empty if nothing valid says so. Read it before the snapshot that you
  /// compare it with: then the snapshot sees what the mark speaks of.
  [[nodiscard]] std::optional<DurableMark> mark() const;

  /// Wakes the followers. Never fails: they also look by themselves now and then.
  void announce_commit() const;
  /// The same, with the mark of a synced commit. If that cannot be written, the earlier mark stays.
  void announce_commit(const DurableMark& mark) const;

  [[nodiscard]] bool outcome_unknown() const;
  void set_outcome_unknown(bool unknown) const;

 private:
  class Waiter;

  std::string path_;
  FileDescriptor file_;
  std::string stream_uuid_;
  /// A wait that was given up but is still in the queue. Until it ends, the lock may be taken through it only: if the
  /// lock were taken past it, the waiter would later give back that very lock.
  mutable std::shared_ptr<Waiter> pending_;
};

}  // namespace shardlog::sqlite
