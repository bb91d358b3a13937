#pragma once

namespace shardlog::sqlite {

/// The name of SQLite's file system layer for streams. The rest of the process goes on using SQLite's usual layer. This
/// one works like it, but:
///
/// - It sleeps for at most a millisecond. SQLite tries a hundred times to begin a read, and sleeps longer and longer in
///   between, ten seconds in all, whatever the timeout. Here that takes a tenth of a second, after which LockWait
///   decides whether to try again.
/// - The kernel begins to write a large commit or checkpoint to disk while SQLite still writes it to the page cache,
///   not only at the sync that follows. That sync guarantees as much as before.
/// - Reaching a quota or a limit on file sizes counts as a full disk, not as an I/O error.
/// - If a file of a database cannot be opened for writing as asked, that is an error. SQLite would open it for reading.
/// - The error code of a file that could not be opened tells why: opening_failure().
const char* file_layer();

/// The error number (errno) in an extended error code of a connection with this layer: why a file could not be opened.
/// 0 if the code means something else, or the reason is not known.
int opening_failure(int extended_code);

}  // namespace shardlog::sqlite
