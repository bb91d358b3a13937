#include "tools/input/bound.h"

#include <cstring>
#include <utility>

#include "shardlog/core/error.h"

namespace shardlog::cli {

Bound::Bound(std::uint64_t most, std::string message, bool skip)
    : most_(most), message_(std::move(message)), skip_(skip) {}

void Bound::refuse(Input& input, std::uint64_t line, const std::string& why) const {
  if (!skip_) throw Error(ErrorCode::malformed, why);
  input.holes.push_back({input.lengths.size(), why, line});
}

void add_piece(Input& input, const char* start, std::size_t size) {
  char* const to = input.buffer.data() + input.complete;
  if (to != start) std::memmove(to, start, size);
  to[size] = '\n';
  input.lengths.push_back(static_cast<std::uint32_t>(size));
  input.complete += size + 1;
}

}  // namespace shardlog::cli
