#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/stretch.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

/// Steps through the batches behind a tail: through all of them, or, where few shards are wanted, through those that a
/// closed stretch says are theirs, and through all that no such stretch covers. The tail is moved by whoever walks,
/// past each batch that comes. The database must outlive it.
class BatchWalk {
 public:
  explicit BatchWalk(SQLite::Database& database);

  /// From now on batches of other shards may be left out. Until the first call none is.
  void want_only(const std::set<std::int64_t>& shards);
  [[nodiscard]] bool leaves_out() const { return !wanted_.empty(); }

  /// REQUIRES: a transaction is open, until stop()
  void start(std::int64_t after, std::int64_t last);
  void stop();

  /// The batch behind the tail, for the caller to advance past. Nothing where there is none, or where the tail has
  /// passed batches that are left out: then it has moved, and the caller asks again. Throws corrupt.
  std::optional<BatchRow> next(Tail& tail);

 private:
  [[nodiscard]] bool is_of_another(const BatchRow& row) const;
  void look(std::int64_t after);
  [[nodiscard]] std::optional<Stretch> next_stretch(std::int64_t after);
  void choose(const Stretch& stretch, std::int64_t after);
  void scan_up_to(std::int64_t after, std::int64_t last);
  std::optional<BatchRow> scanned(Tail& tail);
  std::optional<BatchRow> listed(Tail& tail);

  SQLite::Database& database_;
  std::vector<std::uint32_t> wanted_;  ///< sorted; none means all
  std::int64_t last_ = 0;
  // Of the part of the walk that the tail is in: up to where it goes, and the wanted batches in it where they are
  // known.
  std::int64_t part_end_ = 0;
  bool is_listed_ = false;
  std::vector<std::int64_t> batches_;
  std::size_t place_ = 0;
  SQLite::Statement rows_;
  std::optional<SQLite::Statement> row_;
  std::optional<SQLite::Statement> stretches_;
  bool looking_ = false;  ///< the statement of the stretches stands on the one before the next
};

}  // namespace shardlog::sqlite
