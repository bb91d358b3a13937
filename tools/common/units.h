#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"

/// How people write numbers. The functions that parse return nullopt if the text is not such a number, or if the number
/// does not fit.
namespace shardlog::cli {

/// Bytes: a number, which may have a fraction, followed by k, M, G, KiB, MiB, GiB (powers of 1024), kB, MB, GB (powers
/// of 1000), B or nothing; a whole number of bytes, at most 2^63-1.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// A share: a number above 0 and up to 100, which may have a fraction; a % may follow.
std::optional<double> parse_percent(std::string_view text);

/// How many times as fast: a number above 0, which may have a fraction; an x may follow.
std::optional<double> parse_speed(std::string_view text);

/// A number, which may have a fraction, and us, ms, s, m, h, d or w; several of these add up (1h30m). 0 needs no unit.
/// Rounded to microseconds, at most 3'200'000'000 s.
std::optional<Duration> parse_duration(std::string_view text);

/// "1.5 GiB", "12 KiB", "17 B": the number has at most four characters.
std::string format_size(std::uint64_t bytes);

/// "1234567" as "1,234,567".
std::string format_count(std::uint64_t count);

/// The same with a noun: "1 record", "1,234 records".
std::string format_count(std::uint64_t count, std::string_view one, std::string_view more = {});

}  // namespace shardlog::cli
