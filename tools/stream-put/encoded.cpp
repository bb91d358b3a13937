#include "tools/stream-put/encoded.h"

#include <iterator>
#include <utility>

namespace shardlog::cli {

namespace {

template <typename Item>
void move_behind(std::vector<Item>& to, std::vector<Item>& from) {
  to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
}

}  // namespace

void Encoded::append(Encoded next) {
  const auto first_reason = static_cast<std::uint32_t>(reasons.size());
  for (producing::Place& place : next.packed.places) {
    if (place.batch == producing::Place::not_packed) place.index += first_reason;
  }
  packed.append(std::move(next.packed));
  move_behind(reasons, next.reasons);
  move_behind(skipped, next.skipped);
  skipped_records += next.skipped_records;
  for (auto& [source, place] : next.moves) moves.insert_or_assign(source, std::move(place));
  if (!next.notice.empty()) notice = std::move(next.notice);
  bytes += next.bytes;
  chunks += next.chunks;
  input_bytes += next.input_bytes;
  error = std::move(next.error);
}

}  // namespace shardlog::cli
