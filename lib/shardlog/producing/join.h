#pragma once

#include "shardlog/producing/packer.h"

namespace shardlog::producing {

/// Makes one batch of small batches of the same shard, so that what was packed in small pieces does not become as many
/// rows, and compresses it. Runs stay in the order of the input: only neighbours are joined.
/// REQUIRES: the batches are not compressed; the runs were dealt
Packed join(Packed packed, Compression compression);

}  // namespace shardlog::producing
