#pragma once

#include "shardlog/core/error.h"

namespace shardlog::cli {

/// What a program tells a script. A program that a signal stopped dies of that signal instead, after its drain.
enum class ExitStatus : int {
  success = 0,  ///< all that was asked is done, and durable or written
  partly = 1,   ///< or: the answer is no
  usage = 64,
  data = 65,           ///< a malformed record, or a stream that is damaged or of a newer version
  not_found = 66,      ///< no such stream, shard or consumer
  trimmed = 69,        ///< the position is before the trim horizon
  internal = 70,       ///< a bug
  cannot_create = 73,  ///< exists or cannot be created
  io = 74,             ///< the last batch's outcome is unknown
  try_again = 75,      ///< busy, full, or short of memory, threads or descriptors: nothing of the last batch is stored
  fenced = 76,         ///< another worker took over the lease, or another run the producer
  permission = 77,
};

ExitStatus exit_status_of(ErrorCode code);

}  // namespace shardlog::cli
