#pragma once

namespace shardlog::sqlite {

/// The name of SQLite's file system layer for streams. It is the usual one, which stays as it is for everybody else in
/// the process, but for these:
///
/// - Its sleeps end after a millisecond. SQLite sleeps longer and longer between its hundred attempts to begin a read,
///   ten seconds in all, and nothing else bounds that: so it is a tenth of a second, and LockWait decides whether there
///   is another round.
/// - The disk is busy with a large commit or checkpoint while SQLite still writes it to the page cache, instead of from
///   the sync after it on. That a sync returns means what it did before.
/// - A quota or a limit on the size of files that is reached is a full disk, not an I/O error.
/// - Where a database is opened for writing, a file of it that cannot be is an error. SQLite would go on to read it.
/// - The error code of a file that could not be opened tells why: opening_failure().
const char* file_layer();

/// The error number (errno) in an extended error code of a connection with this layer: why a file could not be opened.
/// 0 if the code is that of something else, or the reason is not known.
int opening_failure(int extended_code);

}  // namespace shardlog::sqlite
