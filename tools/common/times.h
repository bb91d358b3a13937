#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shardlog/core/clock.h"

namespace shardlog::cli {

/// A moment as people and programs write it. Empty if the text is not one.
///
/// - now; today, yesterday and tomorrow, which are a midnight in local time
/// - -10m, +1h; 10m and "10 minutes ago", which are in the past
/// - @ and seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their size; with ten
///   digits or more the @ can be left out
/// - RFC 3339, its parts with a space or a T between them, and what date(1) and journalctl(1) print: a date (with the
///   name of a month, a year, and a day of the week, which has to fit the date), a time of day, and a zone
///
/// Parts may be missing. Then seconds are 0, the time of day is midnight, the date is today, the year is this year (or
/// last year if the date would be more than a day ahead), and the zone is the local one. A zone is an offset, Z, UTC,
/// GMT, or a name of the local zone, such as CET. Digits after the microseconds are dropped. If clocks show a local
/// time twice, the first one is meant, unless the zone's name says otherwise. A local time that clocks jump over is
/// taken as if they had not jumped.
std::optional<Timestamp> parse_time(std::string_view text, Timestamp now);

/// As to_rfc3339(), with microseconds, in local time and with its offset: 2026-01-31T11:20:30.123456+01:00.
std::string to_local_rfc3339(Timestamp time);

}  // namespace shardlog::cli
