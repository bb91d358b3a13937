#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "tools/input/framer.h"

namespace shardlog::cli {

/// Reads a file from its start to its end, wherever it is positioned, and cuts it into pieces. Calls `take` with an
/// Input whenever some are complete, and whether more may follow in it; json_padding bytes behind them are readable.
/// Throws io, and malformed as the framer and where the file is longer than `most` bytes.
void read_pieces(int file, std::uint64_t most, Framer& framer, const std::function<void(Input&)>& take);

}  // namespace shardlog::cli
