#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/metrics/measures.h"
#include "shardlog/metrics/periods.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/statements.h"

namespace shardlog::sqlite {

using metrics::hour;
using metrics::MeasuredMinutes;
using metrics::minute;
using metrics::oldest_hour;
using metrics::oldest_minute;
using metrics::start_of;

/// What was measured of the stream: a row for each minute of the last day, and for each hour of the last month, in
/// which something happened. A writer of measures reads the row, adds to it, and writes it back.
///
/// What would make a row too large is not added: no stream measures as much, unless thousands of consumers come and go.
///
/// A damaged row stays as it is until it is a month old, and nothing is added to it: what it would say after that would
/// be wrong, and nobody could tell.
///
/// Every function REQUIRES an open transaction. The database must outlive it.
class MetricsTable {
 public:
  explicit MetricsTable(Database& database) : statements_(database) {}

  /// Adds what was measured, minutes of more than a day ago to their hours, and removes a few rows that are too old.
  void add(const MeasuredMinutes& minutes, Timestamp now);

  /// Adds a few minutes of more than a day ago to their hour. All writers wait meanwhile, so it is not for a process
  /// that may get little of the processor, nor for a commit that somebody waits for.
  void roll_up(Timestamp now);

  /// Shows the rows that start in this time, the hours first, one after the other. A damaged one is a period without
  /// measures that says so.
  void visit(Timestamp from, Timestamp until, const std::function<void(metrics::Period)>& show);

  /// Adds what was measured after `now` to the minute of `now`.
  void limit_times(Timestamp now);

  /// Reports each damaged row.
  void verify(const std::function<void(const std::string&)>& report);

 private:
  bool add(Duration span, Timestamp start, const metrics::Measures& measures);
  void remove_old(Timestamp now);
  std::optional<Timestamp> first_minute(Timestamp from, Timestamp until);
  bool roll_up_hour(Timestamp start);
  void remove(const metrics::Period& period);
  std::vector<metrics::Period> undamaged(Use rows, std::size_t most);

  Statements statements_;
};

}  // namespace shardlog::sqlite
