#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "tools/stream-stats/rates.h"
#include "tools/stream-stats/screen.h"
#include "tools/stream-stats/traffic.h"

/// What stream-stats shows of rates.
namespace shardlog::cli {

/// "4,012", "0.3" or "<0.1"; a hyphen if it is not known.
std::string rate_text(const std::optional<double>& rate);

/// "401 KiB"
std::string byte_rate_text(double bytes);

/// Records a second of the last minute.
std::string records_text(const std::optional<Rate>& rate);

/// A table of what comes in and goes out, is throttled and dropped; or a line that says that nothing does.
std::string format_rates(const StreamTraffic& traffic, const Screen& screen);

/// A bar and a percentage: as much of `columns` as was used of the limit that is nearer. A hyphen if that is not known.
std::string format_utilisation(const Utilisation& utilisation, std::size_t columns, bool unicode);

std::string json_rates(const Rates& rates);
/// "99%", "<1%", "-".
std::string percent_text(const std::optional<double>& percent);

std::string json_utilisation(const Utilisation& utilisation);

/// A number with at most three decimals, or null.
std::string json_number(const std::optional<double>& number);

}  // namespace shardlog::cli
