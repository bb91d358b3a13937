#include "shardlog/sqlite/metrics_table.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "shardlog/sqlite/row_checksum.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::size_t rows_at_once = 10;  // that are rolled up, or removed

std::int64_t checksum_of(std::int64_t span, std::int64_t start, std::string_view data) {
  return RowChecksum().add(span).add(start).add(data).value();
}

std::string name_of(std::int64_t span, std::int64_t start) {
  const bool is_minute = span == minute.count();
  if (!is_minute && span != hour.count()) return fmt::format("metrics of {} us", span);
  try {
    return fmt::format("metrics of the {} {}", is_minute ? "minute" : "hour", to_rfc3339(stored_time("start", start)));
  } catch (const Error&) {
    return fmt::format("metrics of the {} {}", is_minute ? "minute" : "hour", start);
  }
}

/// The row that the statement stands on. Throws corrupt.
metrics::Period read_period(SQLite::Statement& row) {
  const std::int64_t span = row.getColumn(0).getInt64();
  const std::int64_t start = row.getColumn(1).getInt64();
  const SQLite::Column column = row.getColumn(2);
  const std::string_view data(static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes()));
  try {
    if (row.getColumn(3).getInt64() != checksum_of(span, start, data)) throw_corrupt("checksum mismatch");
    if (span != minute.count() && span != hour.count()) throw_corrupt("neither a minute nor an hour");
    const Timestamp time = stored_time("start", start);
    if (time != start_of(Duration(span), time)) throw_corrupt("its start is inside of another one");
    return {time, Duration(span), metrics::unpack(data)};
  } catch (const Error& error) {
    throw Error(error.code(), name_of(span, start) + ": " + error.what());
  }
}

/// Of a row that was looked for by its span and a time.
metrics::Period read_row_or_damage(SQLite::Statement& row, Duration span) {
  try {
    return read_period(row);
  } catch (const Error&) {
    return {start_of(span, Timestamp(Duration(row.getColumn(1).getInt64()))), span, {}, true};
  }
}

}  // namespace

void MetricsTable::add(const MeasuredMinutes& minutes, Timestamp now) {
  MeasuredMinutes hours;
  for (const auto& [start, measures] : minutes) {
    if (start >= oldest_minute(now)) {
      add(minute, start, measures);
    } else if (start >= oldest_hour(now)) {
      hours[start_of(hour, start)] += measures;
    }
  }
  for (const auto& [start, measures] : hours) add(hour, start, measures);
  remove_old(now);
}

/// False if the row is damaged, or would become too large.
bool MetricsTable::add(Duration span, Timestamp start, const metrics::Measures& measures) {
  metrics::Measures sum = measures;
  {
    Use row = statements_.use("SELECT * FROM metrics WHERE span = ? AND start = ?", span, start);
    try {
      if (row->executeStep()) sum += read_period(*row).measures;
    } catch (const Error&) {
      return false;
    }
  }
  const std::optional<std::string> data = metrics::pack(sum);
  if (!data) return false;
  statements_.upsert("metrics", span, start, Blob(*data), checksum_of(span.count(), microseconds(start), *data));
  return true;
}

void MetricsTable::remove_old(Timestamp now) {
  for (const Duration span : {minute, hour}) {
    statements_
        .use(
            "DELETE FROM metrics WHERE span = ? AND start IN (SELECT start FROM metrics WHERE span = ? AND start < ? "
            "ORDER BY start LIMIT ?)",
            span, span, oldest_hour(now), rows_at_once)
        ->exec();
  }
}

void MetricsTable::roll_up(Timestamp now) {
  for (auto first = first_minute(oldest_hour(now), oldest_minute(now)); first;) {
    const Timestamp start = start_of(hour, *first);
    if (roll_up_hour(start)) return;
    first = first_minute(start + hour, oldest_minute(now));
  }
}

std::optional<Timestamp> MetricsTable::first_minute(Timestamp from, Timestamp until) {
  Use row = statements_.use("SELECT min(start) FROM metrics WHERE span = ? AND start >= ? AND start < ?", minute, from,
                            until);
  if (!row->executeStep() || row->getColumn(0).isNull()) return std::nullopt;
  return Timestamp(Duration(row->getColumn(0).getInt64()));
}

/// Adds some minutes of an hour to its row, and removes them. False if there is nothing to add, or nothing to add it
/// to: the minutes or the row of the hour are damaged.
bool MetricsTable::roll_up_hour(Timestamp start) {
  const std::vector<metrics::Period> minutes =
      undamaged(statements_.use("SELECT * FROM metrics WHERE span = ? AND start >= ? AND start < ? ORDER BY start",
                                minute, start, start + hour),
                rows_at_once);
  metrics::Measures sum;
  for (const metrics::Period& each : minutes) sum += each.measures;
  if (minutes.empty() || !add(hour, start, sum)) return false;
  for (const metrics::Period& each : minutes) remove(each);
  return true;
}

void MetricsTable::remove(const metrics::Period& period) {
  statements_.use("DELETE FROM metrics WHERE span = ? AND start = ?", period.length, period.start)->exec();
}

/// The first of them, as far as they can be read.
std::vector<metrics::Period> MetricsTable::undamaged(Use rows, std::size_t most) {
  std::vector<metrics::Period> periods;
  while (periods.size() < most && rows->executeStep()) {
    try {
      periods.push_back(read_period(*rows));
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it stays as it is
    }
  }
  return periods;
}

void MetricsTable::visit(Timestamp from, Timestamp until, const std::function<void(metrics::Period)>& show) {
  for (const Duration span : {hour, minute}) {
    Use rows = statements_.use("SELECT * FROM metrics WHERE span = ? AND start >= ? AND start < ? ORDER BY start", span,
                               from, until);
    while (rows->executeStep()) show(read_row_or_damage(*rows, span));
  }
}

void MetricsTable::limit_times(Timestamp now) {
  for (const Duration span : {minute, hour}) {
    std::vector<metrics::Period> later;
    Timestamp after = now;
    do {
      later =
          undamaged(statements_.use("SELECT * FROM metrics WHERE span = ? AND start > ? ORDER BY start", span, after),
                    rows_at_once);
      for (const metrics::Period& period : later) {
        if (add(minute, start_of(minute, now), period.measures)) remove(period);
        after = period.start;
      }
    } while (!later.empty());
  }
}

void MetricsTable::verify(const std::function<void(const std::string&)>& report) {
  Use rows = statements_.use("SELECT * FROM metrics ORDER BY span, start");
  while (rows->executeStep()) {
    try {
      read_period(*rows);
    } catch (const Error& error) {
      report(error.what());
    }
  }
}

}  // namespace shardlog::sqlite
