#include "tools/stream-put/counted_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "shardlog/core/error.h"

namespace shardlog::cli {

CountedInput::CountedInput(const std::optional<ProducerPosition>& stored) {
  if (!stored) return;
  trail_ = Trail::of_proof(stored->proof);
  if (!trail_.entries().empty()) known_ = trail_.entries().back().position;
  if (SequenceNumber(known_) != stored->sequence) {
    throw Error(ErrorCode::corrupt, "what is known of its input does not go with its place");
  }
}

std::uint64_t CountedInput::until_check() const {
  return checked_ < trail_.entries().size() && known() > 0 ? trail_.entries()[checked_].position - position_
                                                           : std::numeric_limits<std::uint64_t>::max();
}

void CountedInput::add(std::string_view lines, std::span<const std::uint32_t> lengths) {
  while (!lengths.empty()) {
    const auto part = lengths.first(static_cast<std::size_t>(std::min<std::uint64_t>(lengths.size(), until_check())));
    const std::size_t size = std::accumulate(part.begin(), part.end(), part.size());
    hash_.add(lines.substr(0, size), part);
    counted(part.size());
    lines.remove_prefix(size);
    lengths = lengths.subspan(part.size());
  }
}

void CountedInput::add(std::string_view piece) {
  hash_.add(piece);
  counted(1);
}

void CountedInput::add_hole() {
  hash_.add_hole();
  counted(1);
}

void CountedInput::counted(std::size_t pieces) {
  const bool check = until_check() == pieces;
  position_ += pieces;
  if (!check) return;
  if (hash_.digest() != trail_.entries()[checked_].digest) {
    const std::uint64_t first = checked_ == 0 ? 1 : trail_.entries()[checked_ - 1].position + 1;
    throw Error(ErrorCode::malformed,
                first == position_
                    ? fmt::format("the input is not the one that was stored: its record {} differs", first)
                    : fmt::format("the input is not the one that was stored: it differs between its records {} and {}",
                                  first, position_));
  }
  ++checked_;
}

void CountedInput::end() const {
  if (known() == 0) return;
  throw Error(ErrorCode::malformed,
              fmt::format("the input is not the one that was stored: it ends after {} records, and {} were stored",
                          position_, known_));
}

std::optional<ProducerPosition> CountedInput::move() {
  if (position_ <= known_) return std::nullopt;
  trail_.add({position_, hash_.digest()});
  checked_ = trail_.entries().size();
  known_ = position_;
  return ProducerPosition{SequenceNumber(position_), trail_.to_proof()};
}

}  // namespace shardlog::cli
