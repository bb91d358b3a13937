#pragma once

#include <memory>

#include "tools/input/record_source.h"
#include "tools/stream-put/options.h"

namespace shardlog::cli {

/// For framings whose records bring no keys: a piece is the data of a record, and its key comes from the data or from
/// the command line. A record without a usable key is malformed, unless the options say otherwise.
/// Throws usage for a key, an expression or a JSON pointer that is not valid.
std::unique_ptr<RecordSource> make_plain_source(const KeyOptions& options, const Framing& framing);

}  // namespace shardlog::cli
