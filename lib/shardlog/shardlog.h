#pragma once

// IWYU pragma: begin_exports
#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/worker.h"
#include "shardlog/engines.h"
#include "shardlog/producing/producer.h"
#include "shardlog/reshard/plan.h"
// IWYU pragma: end_exports

/// Streams of records, divided into shards, for programs in C++; shardlog(3) is the manual.
///
/// - create(), open(), list_streams() and remove_stream() take the address of a stream.
/// - producing::Producer puts records; Stream::append() stores batches that the caller routed and encoded itself.
/// - Stream::read() makes a Reader; consuming::run_worker() reads as a worker of a consumer, with leases and
/// checkpoints.
/// - Stream::resharding(), leases(), producers() and maintenance() are the other parts of a stream that is open.
///
/// Threads: different objects may be used at the same time. A Stream, with all that it made (Readers, Notices) or lends
/// (resharding() and the like), is for one thread at a time; threads that work at the same time open one each. A
/// Producer is for any number of threads, and has its Stream for itself. A Clock is used by any thread. Plain values
/// may be read by several threads and changed by one.
///
/// Errors: Error is the only exception thrown on purpose; its code says what the caller may do. Where memory runs out
/// std::bad_alloc is thrown.
///
/// The library reads no environment, handles no signals, prints nothing and never ends the process. It starts a thread
/// only to wait for the writer lock while another process holds it; that thread runs no code of the caller's, and ends
/// once it has got the lock, which may be after the call has given up. Whoever stops the process on a signal should
/// hold OpenOptions::commit_mutex meanwhile.
///
/// Never open a file of a stream by other means in a process that has the stream open: when that is closed, the system
/// drops SQLite's locks.
