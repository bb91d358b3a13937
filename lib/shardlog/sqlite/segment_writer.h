#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "shardlog/log/records.h"
#include "shardlog/log/settings.h"
#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/segment_removal.h"
#include "shardlog/sqlite/segment_row.h"

namespace shardlog::sqlite {

/// Writes the payloads of large commits to a segment, so that they are written once and not twice: SQLite writes what
/// it is given to its log first.
///
/// A writer owns at most one segment. It holds flock(2) on it, so that nobody else writes to it, and lets it go at its
/// end: another writer takes it over, unless bytes are left in it that were staged. It also lets it go if the stream
/// has become too small for segments, or if its batches are trimmed and its commits are small: a segment that is held
/// is not removed. The bytes are staged: written and synced without the writer lock, where no row names them. The
/// commit then claims them: it moves the segment's `end` past them, and its rows name them. So whatever happens before
/// that commit, nothing has happened to the stream.
///
///     stage()   bytes after `end`, on disk; the next commit may have bytes behind them, which are not synced yet
///     claim()   in the transaction: `end` and the newest batch, if the row is still as this writer left it
///     stored()  the commit is acknowledged
class SegmentWriter {
 public:
  /// All must outlive it.
  SegmentWriter(Database& database, Committer& committer, const SegmentFiles& files);
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;
  ~SegmentWriter() { unstage(); }

  /// The places of the payloads on disk, in their order; empty if they are to be stored in rows. What was staged and
  /// not claimed is used again if the payloads are the same. Throws full (no room on the disk) and io: nothing was
  /// stored, and the segment is not used again. Throws as Stream::append().
  ///
  /// What comes `ahead` is written behind the batches by a thread, until end_ahead(): to copy it takes as long as to
  /// wait for the disk. The next call does not write it again.
  std::span<const PayloadPlace> stage(std::span<const RoutedBatch> batches, const Ahead& ahead,
                                      const StreamSettings& settings);
  void end_ahead() noexcept;

  /// Claims what was staged, of which `last_batch` will be the last. Returns false if the segment is not as this writer
  /// left it: then it is let go, and the payloads must be staged again. REQUIRES: a transaction is open
  bool claim(std::int64_t last_batch);

  /// For a commit that stores rows: lets the segment go if all that it holds is trimmed. Returns whether it did: then
  /// remove_segments() can remove it. REQUIRES: a transaction is open
  bool let_go_if_trimmed();

  /// The batches are stored, in rows or in the segment.
  void stored(std::span<const RoutedBatch> batches);

  /// The append failed. Unless it is known that nothing was stored, `end` may be past what was staged: after an error
  /// of the disk even a commit that cannot be seen may stand.
  void failed(bool nothing_stored);

 private:
  /// A segment of which this writer holds the lock.
  struct Owned {
    SegmentRow row;  ///< as the database has it
    HeldSegment file;
    bool is_named_on_disk = false;  ///< a power cut leaves the file and its name
  };

  /// A payload that is staged. The memory tells payloads apart that only look alike.
  struct Staged {
    const char* memory;
    std::size_t size;
    std::uint64_t checksum;

    friend bool operator==(const Staged&, const Staged&) = default;
  };

  /// Payloads that a thread writes behind those that are staged.
  struct Following {
    std::vector<Staged> payloads{};
    std::vector<PayloadPlace> places{};
    bool has_failed = false;
    std::jthread thread{};
  };

  [[nodiscard]] bool is_for_segment(std::size_t size) const;
  [[nodiscard]] bool has_room_for(std::size_t size) const;
  [[nodiscard]] static std::vector<Staged> staged(std::span<const std::string_view> payloads);
  bool acquire();
  std::optional<Owned> take_over_or_allocate(Leftovers& leftovers);
  std::optional<Owned> take_over(std::span<const SegmentRow> rows);
  std::optional<Owned> take_over(const SegmentRow& row);
  Owned allocate(std::span<const SegmentRow> rows, std::span<const SegmentFiles::File> there);
  void write(std::span<const std::string_view> payloads);
  [[nodiscard]] std::vector<PayloadPlace> places_from(std::int64_t at,
                                                      std::span<const std::string_view> payloads) const;
  void begin_ahead(const Ahead& ahead);
  void write_ahead(const Ahead& ahead, const std::stop_token& stop);
  void sync();
  [[nodiscard]] bool is_as_left() noexcept;
  void let_go() noexcept;
  void give_up() noexcept;
  bool seal() noexcept;
  void unstage() noexcept;
  void forget_staged() noexcept;
  void cut_off(std::int64_t size) noexcept;

  Database& database_;
  Committer& committer_;
  const SegmentFiles& files_;
  SQLite::Statement horizon_;
  std::int64_t most_ = 0;       ///< the size from which a segment is sealed; 0 if the stream is too small for any
  std::uint64_t appended_ = 0;  ///< bytes of payloads
  bool is_refused_ = false;     ///< this process may not make a segment, or a row is damaged
  std::optional<Owned> own_;
  std::vector<Staged> staged_;  ///< empty: nothing is
  std::vector<PayloadPlace> places_;
  bool is_synced_ = false;  ///< what is staged, because a commit was begun; if not, it was written ahead of one
  std::unique_ptr<Following> following_;  ///< of the next commit
  std::optional<SegmentRow> claimed_;     ///< how the segment's row is after the commit that is under way
};

}  // namespace shardlog::sqlite
