#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "shardlog/core/bytes.h"
#include "shardlog/core/error.h"
#include "shardlog/log/stream.h"
#include "shardlog/sqlite/batch_row.h"

namespace shardlog::sqlite {

/// A batch as it was read, and which of its records are wanted.
struct FetchedBatch {
  BatchRow row;
  std::size_t first = 0;  ///< as in StoredBatch
  std::size_t count = 0;
  Bytes payload;
};

struct DecodedBatches {
  std::vector<StoredBatch> batches;  ///< in their order, all those before the first that is damaged
  std::optional<Error> damage;
};

/// Checks and decodes them. Large compressed ones by two threads, because that takes longer than all else in reading.
DecodedBatches decode(std::vector<FetchedBatch> fetched);

}  // namespace shardlog::sqlite
