#include "tools/stream-stats/shard_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include "shardlog/core/printable.h"
#include "tools/common/units.h"
#include "tools/stream-stats/plot.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/text.h"

namespace shardlog::cli {

namespace {

using enum Column::Side;

constexpr std::size_t most_listed = 16;  // with more shards than this, only the busiest are listed
constexpr std::size_t busiest_listed = 8;
constexpr std::size_t wide = 100;
constexpr std::size_t very_wide = 140;

/// The share of the key space that a range covers, as "25%".
std::string share_of(const HashRange& range) {
  constexpr double least_whole = 9.95;
  const double width = static_cast<double>(range.last.value() - range.first.value()) + 1;
  const double percent = width / static_cast<double>(max_hash_key.value()) * 100;
  const double tenths = std::round(percent * 10) / 10;
  if (percent >= least_whole || tenths == std::floor(tenths)) return fmt::format("{:.0f}%", std::max(percent, tenths));
  return fmt::format("{:.1f}%", tenths);
}

/// The first digits of a hash key in hexadecimal: enough to see which range is which.
std::string short_hex(HashKey key) {
  constexpr unsigned shown_bits = 32;
  return fmt::format("{:08x}", static_cast<std::uint32_t>(key.value() >> (128 - shown_bits)));
}

/// "closed, 4 and 5 took over  from 1 and 2": the lineage of a shard, and how many of its records were trimmed.
std::string history_of(const Shard& shard, const ShardMap& map, std::uint64_t trimmed_records, bool with_parents) {
  std::vector<std::string> notes;
  if (!shard.open()) {
    std::vector<std::uint32_t> children;
    for (const Shard& child : map.children_of(shard.id)) children.push_back(child.id.number());
    notes.push_back(fmt::format("closed, {} took over", fmt::join(children, " and ")));
  }
  if (with_parents && shard.parent) {
    notes.push_back(fmt::format("from {}{}", shard.parent->number(),
                                shard.adjacent_parent ? fmt::format(" and {}", shard.adjacent_parent->number()) : ""));
  }
  if (trimmed_records != 0) notes.push_back(fmt::format("{} trimmed", format_count(trimmed_records)));
  return fmt::format("{}", fmt::join(notes, "  "));
}

/// The places of the shards that hold something or can take something.
std::vector<std::size_t> living_shards(const std::vector<ShardStatistics>& shards) {
  std::vector<std::size_t> living;
  for (std::size_t place = 0; place < shards.size(); ++place) {
    const ShardStatistics& shard = shards[place];
    const bool expired = !shard.shard.open() && shard.records == 0U && shard.trimmed_records != 0U;
    if (!expired) living.push_back(place);
  }
  return living;
}

/// Those that use most of their limits first, and then those that hold most.
void sort_by_load(std::vector<std::size_t>& places, const Figures& figures) {
  const auto load = [&](std::size_t place) {
    return std::pair(utilisation_of(figures, place).most().value_or(0),
                     figures.statistics.shards[place].records.value_or(0));
  };
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return load(a) > load(b); });
}

/// A line that shows a skew at once. It has a block for each open shard, in the order of their keys. The height of a
/// block shows how many records the shard holds. Neighbours share a block if the screen is too narrow.
std::string format_skew(const StreamStatistics& statistics, const Screen& screen) {
  const auto& open = statistics.description.map.open_shards();
  const std::size_t together = (open.size() + screen.width - 1) / screen.width;
  std::vector<double> sums((open.size() + together - 1) / together);
  for (std::size_t i = 0; i < open.size(); ++i) {
    sums[i / together] += static_cast<double>(statistics.shards.at(open[i].number()).records.value_or(0));
  }
  const double most = *std::max_element(sums.begin(), sums.end());
  return fmt::format("records of all {} open shards, in the order of their keys\n", format_count(open.size())) +
         sparkline(sums, most, sums.size(), screen.unicode) + "\n";
}

/// "hot: key 'u17' has 61%"
std::string hot_text(const HotKey& hot, const Screen& screen) {
  constexpr std::size_t longest_key = 8;
  const std::size_t length = screen.width >= wide ? 4 * longest_key : longest_key;
  return fmt::format("hot: key '{}' has {:.0f}%", shortened(printable(hot.key), length), 100 * hot.share);
}

/// Of a shard that is open: a closed one takes nothing any more.
std::string limit_text(const Figures& figures, std::size_t place, const Screen& screen) {
  constexpr std::size_t bar_columns = 16;
  constexpr double all = 100;
  const Shard& shard = figures.statistics.shards[place].shard;
  if (!shard.open()) return "";
  const auto hot = figures.hot_keys.find(shard.id);
  if (hot != figures.hot_keys.end()) return alarming(hot_text(hot->second, screen), screen);
  const Utilisation utilisation = utilisation_of(figures, place);
  const std::string text = format_utilisation(utilisation, bar_columns, screen.unicode);
  return utilisation.most().value_or(0) >= all ? alarming(text, screen) : text;
}

std::string reading_text(const Figures& figures, std::size_t place, const Screen& screen) {
  constexpr double all = 100;
  const auto reading = utilisation_of(figures, place).reading();
  return reading.value_or(0) >= all ? alarming(percent_text(reading), screen) : percent_text(reading);
}

/// How much of the retention the oldest record has used.
std::string retention_text(const ShardStatistics& shard, const Figures& figures) {
  const Duration retention = figures.settings().retention;
  if (!shard.first || retention == forever || retention == Duration(0)) return "-";
  const auto age = std::max(figures.now - shard.first->arrived_at, Duration(0));
  return fmt::format("{:.0f}%", 100 * static_cast<double>(age.count()) / static_cast<double>(retention.count()));
}

/// The columns of a screen, each with its cell for a shard.
struct Cells {
  std::vector<Column> columns;
  std::vector<std::string> row;

  void add(const Column& column, const std::string& cell) {
    columns.push_back(column);
    row.push_back(cell);
  }
};

Cells cells_of(const Figures& figures, std::size_t place, const Screen& screen) {
  constexpr std::size_t longest_note = 36;
  const ShardStatistics& shard = figures.statistics.shards[place];
  const auto& [first, last] = std::tie(shard.first, shard.last);
  const capacity::Limits& limits = figures.settings().limits;
  Cells cells;
  cells.add({"shard", right}, shard_text(shard.shard.id, screen.width));
  cells.add({"keys", right, 7}, share_of(shard.shard.range));
  cells.add({"in/s", right, 10}, records_text(figures.arrivals.of_shard(place).last_minute));
  if (limits.write_records || limits.write_bytes) cells.add({"limit", left, 11}, limit_text(figures, place, screen));
  if (screen.width >= wide && (limits.read_bytes || limits.read_calls)) {
    cells.add({"reading", right, 4}, reading_text(figures, place, screen));
  }
  cells.add({"records", right, 9}, count_text(shard.records));
  cells.add({"bytes", right, 5}, size_text(shard.bytes));
  cells.add({"last", right, 8}, last ? short_time(last->arrived_at, figures.now) : "-");
  if (screen.width >= wide && figures.settings().retention != forever) {
    cells.add({"kept", right, 4}, retention_text(shard, figures));
  }
  if (screen.width >= very_wide) {
    cells.add({"from", right, 2}, first ? first->sequence.to_string() : "-");
    cells.add({"to", right, 3}, last ? last->sequence.to_string() : "-");
    cells.add({"hash keys", left, 1}, short_hex(shard.shard.range.first) + "-" + short_hex(shard.shard.range.last));
  }
  const std::string history = history_of(shard.shard, figures.statistics.description.map,
                                         shard.trimmed_records.value_or(0), screen.width >= wide);
  cells.add({"", left, 6}, shortened(history, longest_note));
  return cells;
}

/// "and 96 more shards, all under 40%": the percentage only if there are limits.
std::string rest_text(const std::vector<std::size_t>& rest, const Figures& figures) {
  double most = 0;
  bool limited = false;
  for (const std::size_t place : rest) {
    const auto utilisation = utilisation_of(figures, place).most();
    limited = limited || utilisation.has_value();
    most = std::max(most, utilisation.value_or(0));
  }
  return fmt::format(
      "and {}{}\n", format_count(rest.size(), "more shard"),
      limited ? fmt::format(", {}under {:.0f}%", rest.size() == 1 ? "" : "all ", std::floor(most) + 1) : "");
}

}  // namespace

std::string format_shards(const Figures& figures, const Screen& screen, const ShardList& list) {
  std::vector<std::size_t> places = living_shards(figures.statistics.shards);
  const bool too_many = !list.all && places.size() > most_listed;
  const std::size_t room = list.lines.value_or(SIZE_MAX);
  constexpr std::size_t lines_of_skew = 2;
  const bool draws_skew = too_many && room >= busiest_listed + lines_of_skew;
  std::size_t shown = too_many ? std::min(busiest_listed, room) : places.size();
  if (!draws_skew && places.size() > room) shown = std::max<std::size_t>(room, 2) - 1;
  if (shown < places.size()) sort_by_load(places, figures);
  std::vector<Column> columns;
  Rows rows;
  for (std::size_t i = 0; i < shown; ++i) {
    Cells cells = cells_of(figures, places[i], screen);
    columns = std::move(cells.columns);
    rows.push_back(std::move(cells.row));
  }
  std::string text = format_table(columns, std::move(rows), screen.width);
  if (draws_skew) return text + format_skew(figures.statistics, screen);
  if (shown == places.size()) return text;
  return text + rest_text({places.begin() + static_cast<std::ptrdiff_t>(shown), places.end()}, figures);
}

}  // namespace shardlog::cli
