#pragma once

#include <cstddef>
#include <string>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// "1d 12h": all units that the duration has.
std::string duration_text(Duration duration);

/// "3m 2s": a time that has passed, in its largest unit and the one below.
std::string age_text(Duration age);

/// "0.9 ms", "12 ms", "4.1 s", "3m 2s": two digits of a length of time that was measured.
std::string latency_text(Duration latency);

/// In the local zone: the time of day if it is today's, else the date.
std::string short_time(Timestamp time, Timestamp now);

/// A shard's number, or its whole id if the width leaves room.
std::string shard_text(ShardId shard, std::size_t width);

/// Seconds as a JSON number.
std::string json_seconds(Duration duration);

/// A count, a count with the noun `one`, and a size. If the engine does not know the number, a hyphen; with a noun,
/// "unknown".
std::string count_text(const std::optional<std::uint64_t>& count);
std::string count_text(const std::optional<std::uint64_t>& count, std::string_view one);
std::string size_text(const std::optional<std::uint64_t>& size);

/// "4 records, accepted 2026-01-31T12:00:00Z"
std::string loss_text(const Loss& loss);

}  // namespace shardlog::cli
