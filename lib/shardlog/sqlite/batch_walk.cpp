#include "shardlog/sqlite/batch_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "shardlog/core/error.h"

namespace shardlog::sqlite {

namespace {

// A page with a batch of one shard has batches of other shards too, and a process that reads one shard after the other
// wants those next. SQLite's default of 2 MiB is 128 pages, and a large stream has more stretches than that.
constexpr int cache_kibibytes = 8 * 1024;

[[noreturn]] void refuse_missing(std::int64_t batch) {
  throw Error(ErrorCode::corrupt, fmt::format("batch {} is missing", batch));
}

}  // namespace

void SeenBatches::add(const BatchRow& row) {
  if (row.id >= first() && row.id <= last_) return;
  if (row.id != last_ + 1 || shards_.size() == Stretch::most_batches) shards_.clear();
  shards_.push_back(static_cast<std::uint32_t>(row.shard));
  last_ = row.id;
}

std::optional<Stretch> SeenBatches::stretch_of(std::int64_t batch) const {
  return batch >= first() && batch <= last_ ? std::optional(Stretch(last_, shards_)) : std::nullopt;
}

void BatchWalk::want_only(const std::set<std::int64_t>& shards) {
  wanted_.assign(shards.begin(), shards.end());
  if (row_) return;
  database_.exec(fmt::format("PRAGMA cache_size=-{}", cache_kibibytes));
  row_.emplace(database_, fmt::format("SELECT {} FROM batches WHERE id = ?", batch_row_columns));
  stretches_.emplace(
      database_, fmt::format("SELECT {} FROM batch_shards WHERE last_batch > ? ORDER BY last_batch", stretch_columns));
}

bool BatchWalk::is_of_another(const BatchRow& row) const {
  return leaves_out() && !std::binary_search(wanted_.begin(), wanted_.end(), static_cast<std::uint32_t>(row.shard));
}

void BatchWalk::start(std::int64_t after, std::int64_t last) {
  last_ = last;
  if (!leaves_out()) return scan(after, last);
  is_listed_ = true;  // an empty part, so that next() looks for the first one
  part_end_ = after;
  batches_.clear();
  next_ = 0;
}

void BatchWalk::stop() {
  is_at_stretch_ = false;
  for (auto* const statement : {&rows_, &row_, &stretches_}) {
    if (*statement) (*statement)->tryReset();
  }
}

std::optional<BatchRow> BatchWalk::next(Tail& tail) {
  if (leaves_out() && tail.batch() >= part_end_ && tail.batch() < last_) begin_part(tail.batch());
  return is_listed_ ? listed(tail) : scanned(tail);
}

void BatchWalk::begin_part(std::int64_t after) {
  std::optional<Stretch> stretch;
  try {
    stretch = next_stretch(after);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): a scan finds the same batches
  }
  if (stretch && stretch->first() <= after + 1) return list(*stretch, after);
  is_at_stretch_ = false;
  if (const auto seen = seen_ ? seen_->stretch_of(after + 1) : std::nullopt) return list(*seen, after);
  scan(after, stretch ? std::min(stretch->first() - 1, last_) : last_);
}

/// The first stretch that ends after a batch.
std::optional<Stretch> BatchWalk::next_stretch(std::int64_t after) {
  if (!is_at_stretch_) {
    stretches_->tryReset();
    stretches_->bind(1, after);
    is_at_stretch_ = true;
  }
  while (stretches_->executeStep()) {
    if (stretches_->getColumn(0).getInt64() > after) return read_stretch(*stretches_);
  }
  return std::nullopt;
}

void BatchWalk::list(const Stretch& stretch, std::int64_t after) {
  is_listed_ = true;
  part_end_ = std::min(stretch.last(), last_);
  next_ = 0;
  batches_ = stretch.batches_of(wanted_);
  std::erase_if(batches_, [&](std::int64_t batch) { return batch <= after || batch > part_end_; });
}

void BatchWalk::scan(std::int64_t after, std::int64_t last) {
  is_listed_ = false;
  part_end_ = last;
  if (!rows_) rows_.emplace(select_batches(database_, after, last));
  rows_->tryReset();
  rows_->bind(1, after);
  rows_->bind(2, last);
}

std::optional<BatchRow> BatchWalk::scanned(Tail& tail) {
  if (!rows_->executeStep()) {
    if (part_end_ < last_ && tail.batch() < part_end_) refuse_missing(tail.batch() + 1);
    return std::nullopt;
  }
  const BatchRow row = read_batch_row(*rows_);
  if (leaves_out() && seen_) seen_->add(row);
  if (!is_of_another(row)) return row;
  tail.pass(row);
  return std::nullopt;
}

std::optional<BatchRow> BatchWalk::listed(Tail& tail) {
  if (next_ == batches_.size()) {
    tail.skip_to(std::max(part_end_, tail.batch()));
    return std::nullopt;
  }
  const std::int64_t batch = batches_[next_++];
  row_->tryReset();
  row_->bind(1, batch);
  if (!row_->executeStep()) refuse_missing(batch);
  BatchRow row = read_batch_row(*row_);
  if (is_of_another(row)) {
    throw Error(ErrorCode::corrupt,
                fmt::format("batch {} is in shard {}, but its stretch lists it in another", batch, row.shard));
  }
  tail.skip_to(batch - 1);
  return row;
}

}  // namespace shardlog::sqlite
