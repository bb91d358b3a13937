#pragma once

#include <memory>

#include "tools/input/framing.h"
#include "tools/input/record_source.h"
#include "tools/stream-put/options.h"

namespace shardlog::cli {

/// The source for a framing: where records do not bring their keys, a piece is the data, and the key comes from there
/// or from the command line. Throws usage as KeyFinder.
std::unique_ptr<RecordSource> make_record_source(const Framing& framing, const KeyOptions& key, bool with_origin);

}  // namespace shardlog::cli
