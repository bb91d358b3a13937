#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "shardlog/sqlite/batch_row.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/stretch.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

/// The shards of consecutive batches that no stretch lists and that a walk has therefore looked at. The readers of a
/// stream share it, so that only the first of them has to look at each batch of the open stretch.
class SeenBatches {
 public:
  void add(const BatchRow& row);
  /// A stretch that the batch is in.
  [[nodiscard]] std::optional<Stretch> stretch_of(std::int64_t batch) const;

 private:
  [[nodiscard]] std::int64_t first() const { return last_ - static_cast<std::int64_t>(shards_.size()) + 1; }

  std::int64_t last_ = 0;
  std::vector<std::uint32_t> shards_;  ///< at most Stretch::most_batches
};

/// Steps through the batches after a tail. If few shards are wanted, it fetches the batches that closed stretches list
/// for them, and looks at each batch that no stretch covers. So a walk consists of parts: a part is either listed by a
/// stretch or scanned. The database must outlive it.
class BatchWalk {
 public:
  explicit BatchWalk(Database& database, std::shared_ptr<SeenBatches> seen = nullptr)
      : database_(database), seen_(std::move(seen)) {}

  /// From now on the walk may leave out batches of other shards. Until the first call it leaves out none.
  void want_only(const std::set<std::int64_t>& shards);
  [[nodiscard]] bool leaves_out() const { return !wanted_.empty(); }

  /// Begins a walk from the batch after `after` to `last`. REQUIRES: a transaction is open until stop()
  void start(std::int64_t after, std::int64_t last);
  void stop();

  /// The batch after the tail; the caller then moves the tail past it. If the walk leaves out batches, it moves the
  /// tail past these itself, returns nullopt, and the caller asks again. A nullopt that leaves the tail where it is
  /// means that no batch is left. Throws corrupt.
  std::optional<BatchRow> next(Tail& tail);

 private:
  [[nodiscard]] bool is_of_another(const BatchRow& row) const;
  void begin_part(std::int64_t after);
  [[nodiscard]] std::optional<Stretch> next_stretch(std::int64_t after);
  void list(const Stretch& stretch, std::int64_t after);
  void scan(std::int64_t after, std::int64_t last);
  std::optional<BatchRow> scanned(Tail& tail);
  std::optional<BatchRow> listed(Tail& tail);

  Database& database_;
  std::shared_ptr<SeenBatches> seen_;
  std::vector<std::uint32_t> wanted_;  ///< sorted; empty means all
  std::int64_t last_ = 0;
  std::int64_t part_end_ = 0;  ///< the last batch of the part that the tail is in
  bool is_listed_ = false;
  std::vector<std::int64_t> batches_;  ///< that are listed in this part
  std::size_t next_ = 0;               ///< the next of them
  // Prepared by their first use.
  std::optional<Prepared> rows_;
  std::optional<Prepared> row_;
  std::optional<Prepared> stretches_;
  bool is_at_stretch_ = false;  ///< stretches_ stands before the stretch that is needed next, so it can step on
};

}  // namespace shardlog::sqlite
