#pragma once

namespace shardlog::sqlite {

/// The name of a file system layer of SQLite's that is the usual one but for its sleeps, which end after a millisecond.
/// SQLite sleeps longer and longer between its hundred attempts to begin a read, ten seconds in all, and nothing else
/// bounds that: so it is a tenth of a second, and LockWait decides whether there is another round.
const char* with_short_sleeps();

}  // namespace shardlog::sqlite
