#pragma once

#include <functional>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/lock_wait.h"
#include "shardlog/sqlite/paths.h"
#include "shardlog/sqlite/segment_files.h"
#include "shardlog/sqlite/writer_lock.h"

namespace shardlog::sqlite {

/// As Maintenance::verify(). Reads in bounded pieces, each in a transaction of its own.
/// `segments` is nullptr if the stream has none. Throws not_found (the stream was removed), permission, busy and full:
/// they say nothing of what is stored. Errors of the disk are findings.
VerifyReport verify(Database& database, const WriterLock& lock, const DatabaseFiles& files,
                    const SegmentFiles* segments, const LockWait& lock_wait,
                    const std::function<bool(double)>& progress);

}  // namespace shardlog::sqlite
