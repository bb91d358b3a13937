#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shardlog/capacity/bucket.h"

/// How writers share the capacity of shards: they reserve ahead, in slices.
///
///     producer A:  | reserves 1 |~~~ sleeps ~~~| stores 1, reserves 2 |~~~ sleeps ~~~| stores 2, reserves 3 |
///     producer B:       | reserves 1 |~~~ sleeps ~~~~~| stores 1, reserves 2 |~~~ sleeps ~~~| ...
///
/// A reservation is charged at once, even where that takes the level below 0, and the writer sleeps until the shard has
/// earned it. So the debt of a shard is its queue: a later writer waits longer, and no writer has to ask again.
///
/// The rules were chosen by simulation; tests/unit/writing_simulation_test.cpp repeats it. If producers slept and tried
/// again, the slowest of 50 got only 0.17 of the median. If they took what was there when they woke up, they made 490
/// commits a second. If all shards had a single queue, 0.6 of the capacity was reached when one of 50 producers was
/// alone in its shard.
///
/// - The commit that stores slice k also reserves slice k + 1. The first reservation is a commit of its own, and so is
///   each one after a slice that has no step to store; these commits need no sync.
/// - What is left of a slice, because the next record does not fit into it, pays for a part of that record. Without
///   that, the slowest of 50 producers of records of 10,000 bytes got 0.52 of the median.
/// - The writer holds the slice and its records until the wait is over. If it dies, the capacity that it reserved is
///   lost: less is stored than the limits allow, never more.
/// - A slice is a number of records, not of shards. If the shards are changed during the wait, its records are routed
///   again and stored without asking again: the buckets of the children have taken over the debt (take_over()).
/// - If the limits are changed during the wait, the slice and its wait stay; the next slice obeys the new ones.
///
/// If a writer does not want to block, it reserves and waits in the same way, also for the first record and for
/// instalments. So blockers cannot shut it out, although their debt keeps the level below 0. The difference is what it
/// does with records that have already come in when it reserves, but do not fit the slice:
///
/// | on throttle | what it does with them                                                                |
/// |-------------|---------------------------------------------------------------------------------------|
/// | block       | keeps them for the next slice, and reads no more until then                           |
/// | sample      | the same, but while its latest slice had to wait it thins out what it reads           |
/// | drop        | drops them; it goes on reading during the wait                                        |
/// | fail        | stores the slice, then fails; it goes on reading during the wait                      |
///
/// The record after the slice is always kept if an instalment on it was paid. Each kind of writer was simulated beside
/// 1, 10 and 50 blockers. With an input of less than an equal share, none of them fails or drops a record. With five
/// times an equal share, drop and sample store an equal share; fail, started again after a second, stores 0.2 to 0.3 of
/// one.
namespace shardlog::capacity {

/// What a step of the input needs of one shard. A step is stored whole: it is a single record, or some that were packed
/// together. Records without keys must already be dealt to shards, in runs of at most 100 ms' worth. With longer runs a
/// slice would end where a run fills up its shard, and the other shards would stay unused.
struct Need {
  std::size_t shard;    ///< the place of its bucket
  std::uint64_t bytes;  ///< the sum of Record::size()
  std::uint64_t records = 1;
  bool joined = false;  ///< to the need before it: both are of one step
};

/// What was reserved.
struct Slice {
  std::size_t steps = 0;  ///< of the input, from the first on: those can be stored when the wait is over
  Duration wait{0};       ///< from the moment of the reservation
  /// What is paid so far of the price of the step after these. Once these are stored, call reserve() again with that
  /// step in front, and pass this as `paid`; also if its price is larger than a slice, so that there are no steps to
  /// store yet. It was paid to each shard that the step needs; a shard of which the step needs less got only that.
  Seconds instalment{};
  bool count_exhausted = false;  ///< the limit of records ended the slice, before the end of the input
  bool bytes_exhausted = false;  ///< the limit of bytes did
};

/// Charges the buckets for the longest prefix of the input in which no shard needs more than its part. The part is what
/// the bucket holds, but at least 100 ms' worth. With a debt of d seconds it is 100 ms' worth x (1 - d), but at least
/// 10 ms' worth. `paid` is what the instalments on the first step have paid. Only buckets of shards that the input
/// needs are read or changed, so an engine needs no others. REQUIRES: the input's places are places of `buckets`, and a
/// step has one need of each
SHARDLOG_API Slice reserve(std::span<Bucket> buckets, const Price& price, std::span<const Need> input,
                           const Seconds& paid, const Moment& now);

}  // namespace shardlog::capacity
