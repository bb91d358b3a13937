#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace shardlog::sqlite {

/// How far a stream is known to be on disk. SQLite ends its log at the first frame that is damaged and does not tell of
/// what came after it, so this is kept elsewhere: in `lock`, written after the sync of a commit. It may be older than
/// the log, after a power cut for instance, and never newer.
struct DurableMark {
  std::int64_t batch = 0;    ///< the newest that was synced
  std::int64_t numbers = 0;  ///< how many sequence numbers all shards had given out by then

  friend bool operator==(const DurableMark&, const DurableMark&) = default;
};

/// Eight bytes each, little-endian: "shlgmark", batch, numbers, and the XXH3-64 of these with that of the stream's UUID
/// as its seed.
using DurableMarkBytes = std::array<char, 32>;

DurableMarkBytes encode(const DurableMark& mark, const std::string& stream_uuid);

/// Nothing where the bytes are damaged, or the mark of another stream.
std::optional<DurableMark> decode(const DurableMarkBytes& bytes, const std::string& stream_uuid);

}  // namespace shardlog::sqlite
