#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/core/sequence_number.h"
#include "shardlog/core/shard.h"

/// A frame carries a record batch from one stream to another, together with its origin; shardlog(5) describes it in
/// words. All numbers are little-endian. A stream of frames is one frame after another, so files of frames can be
/// joined with cat.
///
///     offset size
///     0      4     magic "SLFR"
///     4      1     version
///     5      1     n: digits of the first record's sequence number
///     6      2     zero
///     8      4     size of the payload
///     12     4     shard
///     16     16    UUID of the stream
///     32     8     arrival time, microseconds since the epoch
///     40     8     checksum: XXH3-64 of the n digits, with XXH3-64 of bytes 0 to 39 as its seed
///     48     n     sequence number, in decimal
///     48+n         payload: a record batch as in core/record_batch_format.h
namespace shardlog {

/// Where a frame's records come from.
struct FrameOrigin {
  std::string stream;  ///< its UUID
  ShardId shard;
  SequenceNumber first_sequence;  ///< of the first record; those of the others count up from it
  Timestamp arrived_at;

  friend bool operator==(const FrameOrigin&, const FrameOrigin&) = default;
};

/// The bytes before `payload` in a frame. Throws internal if `origin.stream` is not a UUID.
std::string frame_header(const FrameOrigin& origin, std::string_view payload);

/// The number of bytes that frame_size() needs.
constexpr std::size_t frame_prefix_size = 48;

/// The size of the frame that starts with `prefix`, at most largest_frame. Throws malformed if `prefix` is not the
/// start of a frame, and unsupported if the frame has a newer version. REQUIRES: prefix.size() >= frame_prefix_size
std::size_t frame_size(std::string_view prefix);
constexpr std::size_t largest_frame = 64UL * 1024 * 1024;

struct Frame {
  FrameOrigin origin;
  RecordBatch records;
};

/// Reads a whole frame, and checks everything before it uses it. Throws malformed and unsupported.
Frame decode_frame(std::string_view frame);

}  // namespace shardlog
