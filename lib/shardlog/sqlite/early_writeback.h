#pragma once

namespace shardlog::sqlite {

/// From now on, and for all of this process, the disk is busy with a large commit or checkpoint while SQLite still
/// writes it to the page cache, instead of from the sync behind it on. That a sync returns means what it did before.
void start_writeback_early();

}  // namespace shardlog::sqlite
