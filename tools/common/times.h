#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// A moment as people and programs write it; nothing is returned where the text is none.
///
/// - now; today, yesterday and tomorrow, which are a midnight in local time
/// - -10m, +1h; 10m and "10 minutes ago", which are in the past
/// - @ and seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their size; with ten
///   digits or more the @ can be left out
/// - RFC 3339, its parts with a space or a T between them, and what date(1) and journalctl(1) print: a date (a day of
///   the week, which has to be right, the name of a month, a year), a time of day, and a zone
///
/// What is left out: seconds are 0, a time of day is midnight, a date is today, a year is this one, or the last where
/// that would be more than a day ahead, a zone is the local one. A zone is an offset, Z, UTC, GMT, or a name of the
/// local one, such as CET. Digits behind the microseconds are left out. Of a local time that clocks show twice it is
/// the first, unless the zone's name says otherwise; one that they jump over is as long after the jump.
std::optional<Timestamp> parse_time(std::string_view text, Timestamp now);

/// As to_rfc3339(), with microseconds, in local time and with its offset: 2026-01-31T11:20:30.123456+01:00.
std::string to_local_rfc3339(Timestamp time);

}  // namespace shardlog::cli
