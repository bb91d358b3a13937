#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "shardlog/capacity/bucket.h"

/// How readers keep to the capacity of a shard.
///
/// The consumers of a stream share a bucket for each shard, which the engine keeps with the stream. A consumer that has
/// nothing left takes its share of what was earned since it last took, in a commit that needs no sync, and reads until
/// that is spent. It takes more if that leaves the others enough, and everything if the shard is about to earn nothing
/// more, so that nothing is lost where a consumer does not read, or not so fast. Before it takes again, at least
/// until_next_top_up() must have passed. This pause is random, so that no consumer always comes first.
///
/// Taking everything each time is simpler, but not fair: what a consumer gets then depends on who came before it, and
/// of ten consumers the slowest got 0.4 to 0.9 of the median within 20 seconds, instead of 0.96.
///
/// A reader without a consumer changes nothing of the stream, so it keeps to the limits by itself: it has a bucket of
/// its own, from whose level it spends, and sleeps until_readable() before each call.
///
/// A call reads one shard: what it has, up to bytes_of_a_call, as GetRecords of Kinesis does. It is paid for as it is
/// read. What it reads without a pause is one call, in however many parts an engine yields that, and a look that finds
/// nothing costs nothing. A record is read while any byte is left. If it is larger than that, the next record waits
/// until the difference is earned.
namespace shardlog::capacity {

/// The most that one call reads of a shard (Kinesis Data Streams API reference, "GetRecords").
constexpr std::uint64_t bytes_of_a_call = 10UL << 20;

/// What a consumer may claim of the capacity of a shard.
struct Claim {
  Duration since = std::chrono::seconds(1);  ///< it last took; a second, the most that counts, if it never did
  std::size_t readers = 1;                   ///< how many consumers share the shard, with this one
};

/// Gives a consumer what it may take of what the shard has earned. The consumer then holds at most a burst; the rest
/// stays with the shard.
void top_up(Seconds& held, Bucket& shard, const Claim& claim, const Moment& now);

/// A consumer that ends returns to the shard what it holds, or owes.
void give_back(const Seconds& held, Bucket& shard, const Moment& now);

/// Whether a call can be made with what is held. A debt of what is not limited any more does not count.
[[nodiscard]] bool readable(const Seconds& held, const Price& price);

/// How long a reader with its own bucket must wait until it can make a call; 0 if it can make one now.
[[nodiscard]] Duration until_readable(const Seconds& held, const Price& price);

/// How many bytes can be read with what is held: at least 1 if it is readable().
[[nodiscard]] std::uint64_t readable_bytes(const Seconds& held, const Price& price);

/// Subtracts from `held` the cost of a call that returned `bytes` bytes of data and keys.
void spend(Seconds& held, const Price& price, std::uint64_t bytes);

/// 0.5 to 0.7 s, for a random number of 0 to 1.
[[nodiscard]] Duration until_next_top_up(double random);

}  // namespace shardlog::capacity
