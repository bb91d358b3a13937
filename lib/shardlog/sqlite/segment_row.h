#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/database.h"

/// What the database says of segments: files with the payloads of large commits (segment_files.h). A byte of a segment
/// that no committed row names does not exist.
///
///     stream.00000007   | commit |   | commit |   | staged, or left over
///                       0            4 KiB    end file_end
namespace shardlog::sqlite {

/// No block of a commit that was acknowledged is written again. So a commit begins at one of these boundaries, and a
/// segment ends at one: if a file is cut off or goes on inside a block, the file system writes that block again.
constexpr std::int64_t next_boundary(std::int64_t at) {
  constexpr std::int64_t block = 4096;
  return (at + block - 1) / block * block;
}

/// A row of `segments`.
struct SegmentRow {
  std::int64_t id = 0;          ///< from 1, never reused
  std::int64_t end = 0;         ///< bytes up to the end of its newest commit; 0: nothing, and there may be no file
  bool sealed = false;          ///< nothing is added any more
  std::int64_t last_batch = 0;  ///< the newest batch with a payload in it

  /// Where its file ends, and the next commit begins.
  [[nodiscard]] std::int64_t file_end() const { return next_boundary(end); }

  [[nodiscard]] std::int64_t checksum() const;

  friend bool operator==(const SegmentRow&, const SegmentRow&) = default;
};

/// The columns that read_segment_row() expects. Throws corrupt.
constexpr std::string_view segment_columns = "id, end, sealed, last_batch, checksum";
SegmentRow read_segment_row(SQLite::Statement& statement);

/// Whether a file with this id can be a segment of a stream whose newest row has the id `newest`. Ids count up, and
/// even a power cut takes back only a few rows. The limit keeps a file of somebody else from using up all ids: what is
/// swept away gets a row, and new ids are larger than all rows'.
constexpr bool is_within_reach(std::int64_t id, std::int64_t newest) {
  constexpr std::int64_t reach = 1'000'000;
  return id <= newest + reach;
}

/// The largest id of rows in the order of their ids; 0 if there are none.
constexpr std::int64_t newest_id(std::span<const SegmentRow> rows) {
  return rows.empty() ? 0 : rows.back().id;
}

/// All of them, in the order of their ids. REQUIRES: a transaction is open, and the stream has segments. Throws corrupt
std::vector<SegmentRow> load_segments(Database& database);

/// Both REQUIRE an open transaction that writes.
void insert_segment(Database& database, const SegmentRow& row);
/// Returns false, and changes nothing, unless the row is still as `before`.
bool replace_segment(Database& database, const SegmentRow& before, const SegmentRow& after);

/// Where a payload is in a segment. The column `payload` of its batch holds this instead of the payload:
///
///     offset size
///     0      4     magic "SLRS"
///     4      4     size of the payload
///     8      8     id of the segment
///     16     8     where the payload begins in it
///     24     8     checksum: XXH3-64 of the above, seeded with that of the id of the batch and its payload_checksum
struct PayloadPlace {
  std::int64_t segment = 0;
  std::int64_t at = 0;
  std::size_t size = 0;

  [[nodiscard]] std::int64_t end() const { return at + static_cast<std::int64_t>(size); }

  [[nodiscard]] std::string encode(const BatchRow& row) const;

  /// Nullopt if the bytes are not a place, but a payload. Throws corrupt if the place is damaged, or is that of another
  /// batch.
  static std::optional<PayloadPlace> decode(const BatchRow& row, std::string_view bytes);
};

}  // namespace shardlog::sqlite
