#include "tools/stream-put/pending.h"

#include <algorithm>
#include <utility>

namespace shardlog::cli {

namespace {

/// What is left of a piece when its records are dropped.
Encoded without_records(Encoded piece, const std::string& why) {
  piece.dropped += std::exchange(piece.records, 0);
  piece.bytes = 0;
  piece.data_bytes = 0;
  piece.reads.clear();
  piece.packed.batches.clear();
  piece.packed.runs.clear();
  const auto reason = static_cast<std::uint32_t>(piece.reasons.size());
  if (!piece.packed.places.empty()) piece.reasons.push_back(why);
  for (producing::Place& place : piece.packed.places) {
    if (place.batch != producing::Place::not_packed) place = {producing::Place::not_packed, reason};
  }
  return piece;
}

}  // namespace

void PendingPieces::add(Encoded piece, capacity::Step step) {
  bytes_ += piece.bytes;
  pieces_.push_back(std::move(piece));
  steps_.push_back(std::move(step));
}

void PendingPieces::drop_from(std::size_t index, const std::string& why) {
  std::vector<Encoded> dropped(std::move_iterator(pieces_.begin() + static_cast<std::ptrdiff_t>(index)),
                               std::move_iterator(pieces_.end()));
  pieces_.resize(index);
  steps_.resize(index);
  for (Encoded& piece : dropped) {
    bytes_ -= piece.bytes;
    add_dropped(std::move(piece), why);
  }
}

/// Dropped pieces in a row become one: there may be any number of them.
void PendingPieces::add_dropped(Encoded piece, const std::string& why) {
  piece = without_records(std::move(piece), why);
  if (!pieces_.empty() && steps_.back().empty()) {
    pieces_.back().append(std::move(piece));
  } else {
    add(std::move(piece), {});
  }
}

std::size_t PendingPieces::fitting(std::uint64_t most_data) const {
  std::size_t count = 0;
  std::uint64_t data = 0;
  while (count < pieces_.size() && (count == 0 || data <= most_data)) data += pieces_[count++].data_bytes;
  return count;
}

std::size_t PendingPieces::records_from(std::size_t index) const {
  std::size_t records = 0;
  for (; index < pieces_.size(); ++index) records += pieces_[index].records;
  return records;
}

bool PendingPieces::need_nothing() const {
  return std::ranges::all_of(steps_, [](const capacity::Step& step) { return step.empty(); });
}

Encoded PendingPieces::take(std::size_t count) {
  Encoded all = std::move(pieces_.front());
  pieces_.pop_front();
  while (--count > 0) {
    all.append(std::move(pieces_.front()));
    pieces_.pop_front();
  }
  steps_.erase(steps_.begin(), steps_.end() - static_cast<std::ptrdiff_t>(pieces_.size()));
  bytes_ -= all.bytes;
  return all;
}

}  // namespace shardlog::cli
