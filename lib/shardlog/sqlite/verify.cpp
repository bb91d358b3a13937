#include "shardlog/sqlite/verify.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/capacity_table.h"
#include "shardlog/sqlite/consumers.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/losses.h"
#include "shardlog/sqlite/metrics_table.h"
#include "shardlog/sqlite/payload.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/segment_row.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

namespace {

constexpr std::size_t piece_bytes = 4UL * 1024 * 1024;
constexpr std::size_t piece_rows = 4096;
constexpr std::size_t most_findings = 1000;

/// Whether the error comes from the rights of this process, from what it lacks, or from the removal of the stream. Then
/// it says nothing of what is stored.
bool is_from_outside(const Error& error) {
  switch (error.code()) {
    case ErrorCode::permission:
    case ErrorCode::busy:
    case ErrorCode::full:
    case ErrorCode::not_found:
      return true;
    default:
      return false;
  }
}

class Verification {
 public:
  /// REQUIRES: the mark was read before anything of the database
  Verification(Database& database, const WriterLock& lock, const DatabaseFiles& files, const SegmentFiles* segments,
               const LockWait& lock_wait, const std::optional<DurableMark>& mark)
      : database_(database), lock_(lock), files_(files), segments_(segments), lock_wait_(lock_wait), mark_(mark) {
    if (segments != nullptr) segment_reader_.emplace(*segments);
    const Snapshot snapshot(database_, lock_wait_);
    configuration_ = load_configuration(database_, Access::read);
  }

  VerifyReport run(const std::function<bool(double)>& progress) {
    report_.losses = configuration_.told_losses();
    in_snapshot("stream.db", [this] {
      if (header_forbids_writing(database_)) report("the header of stream.db is damaged");
      check_trees();
    });
    if (segments_ != nullptr) check_segments();
    in_snapshot("consumers and producers", [this] { check_consumers_and_producers(); });
    in_snapshot("metrics", [this] { MetricsTable(database_).verify([this](const auto& found) { report(found); }); });
    std::int64_t last = std::numeric_limits<std::int64_t>::max();
    in_snapshot("the end", [&] {
      check_end();
      last = last_batch();
    });
    while (report_.findings.size() < most_findings && check_piece(last)) {
      if (!progress(static_cast<double>(id_) / static_cast<double>(last))) return std::move(report_);
    }
    if (report_.findings.empty()) check_children();
    return std::move(report_);
  }

 private:
  struct Piece {
    BatchRow row;
    Bytes payload{};
    std::optional<Error> damage{};  ///< why there is no payload
  };

  /// Reports the error if `work` throws one. Returns false if SQLite itself failed: then the report begins with `what`,
  /// or if that is empty, with the last batch that was read. Throws what is_from_outside().
  template <typename Work>
  bool in_snapshot(const std::string& what, const Work& work) {
    // A stream loses its name before it loses a file. A file that was missing in one snapshot is looked for again in
    // the next, so by then this has found the stream removed.
    lock_.check_present();
    files_.check_present();
    const Snapshot snapshot(database_, lock_wait_);
    try {
      work();
    } catch (const Error& error) {
      if (is_from_outside(error)) throw;
      report(error.what());
    } catch (const SQLite::Exception& error) {
      if (translate(error, what).code() == ErrorCode::busy) throw;
      report(fmt::format("{}: {}", what.empty() ? fmt::format("after batch {}", id_) : what, error.what()));
      return false;
    }
    return true;
  }

  /// Only SQLite itself can see rows that a damaged tree hides. Its check holds one snapshot, and writers may have to
  /// wait until it ends. So this checks only streams that are small enough for it to take seconds.
  void check_trees() {
    constexpr std::int64_t largest = 4L * 1024 * 1024 * 1024;
    if (database_.number("PRAGMA page_count") > largest / page_size) return;
    SQLite::Statement check(database_, "PRAGMA integrity_check(100)");
    while (check.executeStep()) {
      const std::string found = check.getColumn(0).getString();
      if (found != "ok") report("stream.db: " + found);
    }
  }

  /// A writer lets the file of a segment grow before `end`, and removes the row before the file. So this
  /// reads the rows first and then the sizes, and does not report a file that is gone by then.
  void check_segments() {
    const std::vector<SegmentRow> rows = segment_rows();
    for (const SegmentRow& row : rows) {
      const auto size = segments_->size_of(row.id);
      if (!size || *size >= row.end) continue;
      report(fmt::format("{} has {} bytes, and {} were stored", segment_name(row.id), *size, row.end));
    }
    if (report_.findings.empty() && segments_->may_list()) note_unused(rows);
  }

  std::vector<SegmentRow> segment_rows() {
    std::vector<SegmentRow> rows;
    in_snapshot("segments", [&] { rows = load_segments(database_); });
    return rows;
  }

  /// A writer makes a file, or lets it grow, while it holds it, and commits that before it lets it go. So what nobody
  /// holds is unused if the rows do not tell of it after that either.
  void note_unused(std::span<const SegmentRow> rows) {
    std::vector<SegmentFiles::File> found;
    for (const SegmentFiles::File& file : segments_->list()) {
      if (!is_within_reach(file.id, newest_id(rows)) || !unused_part(file, rows)) continue;
      if (!segments_->is_held(file.id)) found.push_back(file);
    }
    if (found.empty()) return;
    const std::vector<SegmentRow> now = segment_rows();
    for (SegmentFiles::File& file : found) {
      const auto size = segments_->size_of(file.id);
      if (!size) continue;
      file.size = std::min(file.size, *size);
      if (const auto part = unused_part(file, now)) report_.unused.push_back(*part);
    }
  }

  /// In words; nullopt if everything in the file is in use.
  static std::optional<std::string> unused_part(const SegmentFiles::File& file, std::span<const SegmentRow> rows) {
    const std::string name = segment_name(file.id);
    const auto row = std::ranges::lower_bound(rows, file.id, {}, &SegmentRow::id);
    const bool known = row != rows.end() && row->id == file.id;
    if (!known || (row->sealed && row->end == 0)) return name;
    if (file.size <= row->file_end()) return std::nullopt;
    if (row->end == 0) return name;
    const std::int64_t bytes = file.size - row->file_end();
    return bytes == 1 ? "the last byte of " + name : fmt::format("the last {} bytes of {}", bytes, name);
  }

  /// The place of a payload must be one that its segment is known to have.
  void check_place(const BatchRow& row, const PayloadPlace& place) {
    SQLite::Statement segment(database_, fmt::format("SELECT {} FROM segments WHERE id = ?", segment_columns));
    segment.bind(1, place.segment);
    const std::optional<SegmentRow> known =
        segment.executeStep() ? std::optional(read_segment_row(segment)) : std::nullopt;
    if (known && place.end() <= known->end && row.id <= known->last_batch) return;
    throw Error(ErrorCode::corrupt,
                fmt::format("batch {}: {} is not known to hold its payload", row.id, segment_name(place.segment)));
  }

  void check_consumers_and_producers() {
    const auto finding = [this](const std::string& found) { report(found); };
    Consumers(database_).verify(load_configuration(database_, Access::read), finding);
    Producers(database_).verify(finding);
    CapacityTable(database_, CapacityTable::Use::writing).verify(finding);
    CapacityTable(database_, CapacityTable::Use::reading).verify(finding);
  }

  void check_end() {
    if (mark_ && newest_known_batch(database_) < mark_->batch) report(lost_tail(database_, *mark_).what());
  }

  std::int64_t last_batch() {
    const std::int64_t newest = newest_batch(database_, configuration_).id;
    const std::int64_t known = database_.number("SELECT ifnull(max(last_batch), 0) FROM batch_shards");
    if (known > newest) report(fmt::format("shards of the batches up to {}: the last batch is {}", known, newest));
    return newest;
  }

  /// Returns false when nothing is left that can be read.
  bool check_piece(std::int64_t last) {
    std::vector<Piece> pieces;
    bool more = true;
    const bool readable = in_snapshot("", [&] {
      follow_horizon();
      const std::int64_t before = id_;
      more = load_piece(last, pieces);
      for (Tail& indexed : load_indexed_tails(database_, before, id_)) indexed_.push_back(std::move(indexed));
      load_stretches();
    });
    if (segment_reader_) segment_reader_->close();
    for (Piece& piece : pieces) check_batch(piece);
    return more && readable;
  }

  /// Returns false if no batch is left after these.
  bool load_piece(std::int64_t last, std::vector<Piece>& pieces) {
    PayloadReader payloads(database_, segment_reader_ ? &*segment_reader_ : nullptr);
    Prepared rows = select_batches(database_, id_, last);
    for (std::size_t bytes = 0; bytes < piece_bytes && pieces.size() < piece_rows;) {
      if (!rows.executeStep()) return false;
      const std::int64_t before = std::exchange(id_, rows.getColumn(0).getInt64());
      ++report_.batches;
      try {
        Piece piece{read_batch_row(rows)};
        if (!load_payload(payloads, piece)) {
          id_ = before;
          --report_.batches;
          return true;
        }
        bytes += piece.payload.size();
        pieces.push_back(std::move(piece));
      } catch (const Error& error) {
        if (is_from_outside(error)) throw;
        report(error.what());
      }
    }
    return true;
  }

  /// Returns false if its segment is gone: the next snapshot tells whether it was trimmed.
  bool load_payload(PayloadReader& payloads, Piece& piece) {
    try {
      std::optional<StoredPayload> payload = payloads.read(piece.row);
      if (!payload && std::exchange(gone_, piece.row.id) != piece.row.id) return false;
      if (!payload) throw segment_missing(piece.row, *payloads.place());
      piece.payload = std::move(payload->bytes);
      if (payloads.place()) check_place(piece.row, *payloads.place());
    } catch (const Error& error) {
      if (is_from_outside(error)) throw;
      piece.damage = error;
    }
    return true;
  }

  /// Loads stretches up to the one that the last loaded batch is in.
  void load_stretches() {
    SQLite::Statement rows(
        database_,
        fmt::format("SELECT {} FROM batch_shards WHERE last_batch > ? ORDER BY last_batch", stretch_columns));
    rows.bind(1, last_stretch_);
    while (last_stretch_ < id_ && rows.executeStep()) {
      last_stretch_ = rows.getColumn(0).getInt64();
      try {
        stretches_.push_back(read_stretch(rows));
      } catch (const Error& error) {
        report(error.what());
      }
    }
  }

  void follow_horizon() {
    if (horizon_damaged_) return;
    try {
      if (const Tail horizon = read_horizon(database_); id_ < horizon.batch()) go_to(horizon);
    } catch (const Error& error) {
      horizon_damaged_ = true;
      report(error.what());
    }
  }

  /// Goes on after the trimmed batches. Reports rows of them that are still there.
  void go_to(const Tail& horizon) {
    const auto count = [&](const char* rows) {
      return database_.number(fmt::format("SELECT count(*) FROM {} {}", rows, horizon.batch()));
    };
    const std::int64_t left =
        count("batches WHERE id <=") + count("batch_index WHERE batch <") + count("batch_shards WHERE last_batch <");
    if (left != 0) {
      report(fmt::format("{} rows are left before the trim horizon, which is after batch {}", left, horizon.batch()));
    }
    id_ = horizon.batch();
    last_arrival_ = horizon.last_arrival();
    next_sequences_.clear();
    for (const ShardTail& tail : horizon.shards()) next_sequences_.emplace(tail.shard, tail.next_sequence);
    tail_ = horizon;
    indexed_.clear();
  }

  void check_batch(Piece& piece) {
    const BatchRow& row = piece.row;
    try {
      const ShardRow& shard = shard_of(configuration_, row.shard);
      if (row.id > tail_.batch() + 1) follow_loss();
      check_order(row, shard);
      check_stretch(row);
      if (report_.findings.empty()) {
        tail_.advance(row, shard);
        check_index(row);
      }
      if (piece.damage) throw Error(*piece.damage);
      const RecordBatch records = decode_payload(row, std::move(piece.payload));
      for (const Record& record : records) check_record(row, shard, record);
      report_.records += records.size();
    } catch (const Error& error) {
      report(error.what());
    }
  }

  /// Takes the tail after a loss from the index, which has a row there.
  void follow_loss() {
    for (const LostBatches& loss : configuration_.losses) {
      if (loss.after != tail_.batch()) continue;
      for (; !indexed_.empty() && indexed_.front().batch() <= loss.last; indexed_.pop_front()) {
        tail_ = std::move(indexed_.front());
      }
      for (const ShardTail& tail : tail_.shards()) next_sequences_[tail.shard] = tail.next_sequence;
    }
  }

  /// Expects the next batches to continue this one, so that one hole is one finding.
  void check_order(const BatchRow& row, const ShardRow& shard) {
    const std::string id = shard.shard.id.to_string();
    if (row.arrived_at < last_arrival_) report(fmt::format("batch {} arrived before the one before it", row.id));
    if (row.arrived_at > shard.shard.closed_at.value_or(row.arrived_at)) {
      report(fmt::format("batch {} arrived after {} was closed", row.id, id));
    }
    last_arrival_ = row.arrived_at;
    const auto [next, is_first] = next_sequences_.try_emplace(row.shard, shard.first_sequence);
    if (row.first_sequence != next->second) {
      report(fmt::format("batch {}: {} continues with sequence {} where {} was expected", row.id, id,
                         row.first_sequence, next->second));
    }
    next->second = row.next_sequence();
    if (is_first && !row.begins_append) {
      report(fmt::format("batch {}: it is the first of {} and does not begin an append", row.id, id));
    }
  }

  void check_record(const BatchRow& row, const ShardRow& shard, const Record& record) {
    try {
      check(record, largest_max_record_size);  // the stream's own limit may have been lowered since
    } catch (const Error& error) {
      report(fmt::format("batch {}: a record: {}", row.id, error.what()));
    }
    if (!record.key && !record.explicit_hash_key) return;
    const HashKey hash_key = record.explicit_hash_key ? *record.explicit_hash_key : HashKey::of(*record.key);
    if (shard.shard.range.contains(hash_key)) return;
    report(fmt::format("batch {}: a record of hash key {} is in {}", row.id, hash_key.to_string(),
                       shard.shard.id.to_string()));
  }

  /// The sequence numbers of a child go on after those of its parents.
  void check_children() {
    for (const ShardRow& row : configuration_.shards) {
      std::int64_t expected = 1;
      for (const auto& parent : {row.shard.parent, row.shard.adjacent_parent}) {
        if (parent) expected = std::max(expected, tail_.next_sequence(shard_of(configuration_, parent->number())));
      }
      if (row.first_sequence == expected) continue;
      report(fmt::format("{} begins with sequence {} where {} was expected", row.shard.id.to_string(),
                         row.first_sequence, expected));
    }
  }

  /// An index row must say what the batches up to it say.
  void check_index(const BatchRow& row) {
    while (!indexed_.empty() && indexed_.front().batch() <= row.id) {
      const Tail& indexed = indexed_.front();
      const bool agrees = indexed.batch() == row.id && indexed.last_arrival() == tail_.last_arrival() &&
                          indexed.shards() == tail_.shards();
      if (!agrees) report(fmt::format("index after batch {}: does not agree with the batches", indexed.batch()));
      indexed_.pop_front();
    }
  }

  /// A wrong stretch is one finding, however many batches it is wrong about.
  void check_stretch(const BatchRow& row) {
    while (!stretches_.empty() && stretches_.front().last() < row.id) stretches_.pop_front();
    if (stretches_.empty()) return;
    const Stretch& stretch = stretches_.front();
    if (row.id < stretch.first() || stretch.shard_of(row.id) == row.shard) return;
    report(fmt::format("shards of the batches up to {}: batch {} is in another shard", stretch.last(), row.id));
    stretches_.pop_front();
  }

  void report(const std::string& finding) {
    if (report_.findings.size() < most_findings) report_.findings.push_back(printable(finding));
  }

  Database& database_;
  const WriterLock& lock_;
  const DatabaseFiles& files_;
  const SegmentFiles* segments_;
  std::optional<SegmentReader> segment_reader_;
  const LockWait& lock_wait_;
  Configuration configuration_;
  std::optional<DurableMark> mark_;
  VerifyReport report_;
  bool horizon_damaged_ = false;
  std::int64_t id_ = 0;
  std::int64_t gone_ = 0;  ///< the batch whose segment was gone
  Timestamp last_arrival_ = Timestamp::min();
  std::map<std::int64_t, std::int64_t> next_sequences_;
  Tail tail_;                 ///< right as long as nothing was found
  std::deque<Tail> indexed_;  ///< index rows that no batch has reached yet
  std::deque<Stretch> stretches_;
  std::int64_t last_stretch_ = 0;  ///< the last batch of the newest of them
};

}  // namespace

VerifyReport verify(Database& database, const WriterLock& lock, const DatabaseFiles& files,
                    const SegmentFiles* segments, const LockWait& lock_wait,
                    const std::function<bool(double)>& progress) {
  const std::optional<DurableMark> mark = lock.mark();
  return Verification(database, lock, files, segments, lock_wait, mark).run(progress);
}

}  // namespace shardlog::sqlite
