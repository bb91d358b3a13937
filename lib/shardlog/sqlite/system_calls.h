#pragma once

namespace shardlog::sqlite {

/// From now on, and for all of this process, SQLite makes some of its system calls in our way:
///
/// - The disk is busy with a large commit or checkpoint while SQLite still writes it to the page cache, instead of from
///   the sync behind it on. That a sync returns means what it did before.
/// - A quota or a limit on the size of files that is reached is a full disk, not an I/O error.
/// - last_failure() says why a file could not be opened or written, which SQLite keeps to itself.
void replace_system_calls();

/// The error number of the last open or write of SQLite that failed on this thread; 0 if none has since
/// forget_failures().
int last_failure();
void forget_failures();

}  // namespace shardlog::sqlite
