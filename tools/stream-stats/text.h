#pragma once

#include <cstddef>
#include <string>

#include "shardlog/log/stream.h"

namespace shardlog::cli {

/// "1d 12h": the units that it has.
std::string duration_text(Duration duration);

/// "3m 2s": of a time that has passed, as much as matters.
std::string age_text(Duration age);

/// The time of day where it is today's, else the date, in the local zone.
std::string short_time(Timestamp time, Timestamp now);

/// A shard as its number, or in full where there is room.
std::string shard_text(ShardId shard, std::size_t width);

/// As a JSON string, and as a number of seconds.
std::string json_string(const std::string& text);
std::string json_seconds(Duration duration);

/// A count and a size, or a hyphen where the engine does not know them; and as a JSON number, or null.
std::string count_text(const std::optional<std::uint64_t>& count);
std::string count_text(const std::optional<std::uint64_t>& count, std::string_view one);
std::string size_text(const std::optional<std::uint64_t>& size);
std::string json_count(const std::optional<std::uint64_t>& count);

/// "4 records, accepted 2026-01-31T12:00:00Z"
std::string loss_text(const Loss& loss);

}  // namespace shardlog::cli
