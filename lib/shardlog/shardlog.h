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
/// - create(), open(), list_streams() and remove_stream() take an address.
/// - producing::Producer puts records; Stream::append() stores batches that the caller has routed and encoded.
/// - Stream::read() makes a Reader; consuming::run_worker() reads as a worker of a consumer, with leases and
/// checkpoints.
/// - Stream::resharding(), leases(), producers(), maintenance() and metrics() are the other parts of an open stream.
///
/// Threads: different objects may be used at the same time. A Stream, with everything that it makes (Readers, Notices)
/// or lends (resharding() and the like), is for one thread at a time; threads that work at the same time open one each.
/// Any number of threads may use a Producer, and nothing else its Stream. Any thread may use a Clock. Several threads
/// may read a plain value while none changes it.
///
/// Errors: Error is the only exception thrown on purpose; its code says what the caller may do. If memory runs out
/// std::bad_alloc is thrown.
///
/// The library reads no environment, handles no signals, prints nothing and never ends the process. It starts a thread
/// only to wait for the writer lock while another process holds it. That thread runs no code of the caller, and ends
/// once it has got the lock, which may be after the call has given up. A program that stops itself on a signal should
/// hold OpenOptions::commit_mutex meanwhile.
///
/// Never open a file of a stream by other means in a process that has the stream open: when you close it, the system
/// drops SQLite's locks.
