#include "tools/common/sampler.h"

#include <xxhash.h>

#include <cmath>

namespace shardlog::cli {

bool Sampler::keeps(std::optional<std::string_view> key) {
  constexpr double all = 100;
  if (by_ == By::key && key) {
    // Of the hash what a double holds exactly: 0 to less than 1.
    const double place = std::ldexp(static_cast<double>(XXH3_64bits(key->data(), key->size()) >> 11U), -53);
    return place * all < percent_;
  }
  owed_ += percent_;
  if (owed_ < all) return false;
  owed_ -= all;
  return true;
}

}  // namespace shardlog::cli
