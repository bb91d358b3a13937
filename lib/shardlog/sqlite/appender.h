#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <optional>
#include <span>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/room.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

/// Appends batches: gives them their ids in commit order, their sequence numbers and their arrival times.
class Appender {
 public:
  /// All references must outlive it.
  Appender(SQLite::Database& database, Committer& committer, Configuration configuration, const Clock& clock);

  /// As Stream::append().
  std::vector<Outcome> append(const AppendRequest& request);

  /// The stream's settings, as of the last append.
  [[nodiscard]] const StreamSettings& settings() const { return configuration_.settings; }

 private:
  std::optional<std::vector<Outcome>> store(const AppendRequest& request);
  void catch_up();
  Producers& producers();
  [[nodiscard]] bool all_open(std::span<const RoutedBatch> batches) const;
  [[nodiscard]] Timestamp arrival_of(const RoutedBatch& batch, Timestamp now) const;
  Stored insert(const RoutedBatch& batch, Timestamp arrived_at, bool begins_append);

  SQLite::Database& database_;
  Committer& committer_;
  const Clock& clock_;
  Configuration configuration_;
  Tail tail_;
  TailScan scan_;
  SQLite::Statement version_;
  SQLite::Statement insert_;
  Room room_;
  std::optional<Producers> producers_;  ///< prepared by the first move
};

}  // namespace shardlog::sqlite
