#pragma once

#include <cstdint>

#include "shardlog/capacity/bucket.h"

/// How readers keep to the capacity of a shard.
///
/// The consumers of a stream share a bucket for each shard, which the engine keeps with the stream. A consumer that has
/// nothing left takes all that there is, in a commit that needs no sync, and reads until that is spent; when it has
/// nothing left again, it takes at the earliest until_next_top_up() after the last time. The rest is random, so that no
/// consumer always comes first. Smaller parts would not be fairer: they would be more commits.
///
/// A reader without a consumer changes nothing of the stream, so it keeps to the limits by itself: it has a bucket of
/// its own, from whose level it spends, and sleeps until_readable() before each call.
///
/// How much a call returns is known after it only. So a call is allowed while any byte is left, and the next one waits
/// until what it took beyond that is earned.
namespace shardlog::capacity {

/// Moves all that the shard has earned into the hands of a consumer, as far as it then holds no more than a burst.
void top_up(Seconds& held, Bucket& shard, const Moment& now);

/// Whether a call can be made with what is held.
[[nodiscard]] bool readable(const Seconds& held, const Price& price);

/// How long a bucket of one's own has to be refilled until a call can be made; 0 where one can.
[[nodiscard]] Duration until_readable(const Seconds& held, const Price& price);

/// A call was made that returned so many bytes of data and keys.
void spend(Seconds& held, const Price& price, std::uint64_t bytes);

/// 0.7 to 1 s, for a random number of 0 to 1.
[[nodiscard]] Duration until_next_top_up(double random);

}  // namespace shardlog::capacity
