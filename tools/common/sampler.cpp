#include "tools/common/sampler.h"

#include <xxhash.h>

#include <cmath>

namespace shardlog::cli {

bool Sampler::keeps(std::optional<std::string_view> key) {
  constexpr double all = 100;
  if (by_ == By::key && key) {
    // From 0 to less than 1: as many bits of the hash as a double holds exactly.
    const double part = std::ldexp(static_cast<double>(XXH3_64bits(key->data(), key->size()) >> 11U), -53);
    return part * all < percent_;
  }
  owed_ += percent_;
  if (owed_ < all) return false;
  owed_ -= all;
  return true;
}

}  // namespace shardlog::cli
