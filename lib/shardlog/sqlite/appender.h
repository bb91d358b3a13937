#pragma once

#include <SQLiteCpp/Statement.h>

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"
#include "shardlog/sqlite/capacity_table.h"
#include "shardlog/sqlite/committer.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/producers.h"
#include "shardlog/sqlite/room.h"
#include "shardlog/sqlite/segment_writer.h"
#include "shardlog/sqlite/settings.h"
#include "shardlog/sqlite/tail.h"

namespace shardlog::sqlite {

/// Appends batches: gives them their ids in commit order, their sequence numbers and their arrival times.
class Appender {
 public:
  /// All references must outlive it. `segments` is nullptr if the stream has none.
  Appender(Database& database, Committer& committer, const SegmentFiles* segments, Configuration configuration,
           const Clock& clock);

  /// As Stream::append().
  std::vector<Outcome> append(const AppendRequest& request);

  /// As WriteCapacity has them.
  WriteCapacity::Appended append_reserved(const AppendRequest& request, std::span<const capacity::Step> next,
                                          const capacity::Seconds& paid);
  capacity::Slice reserve(std::span<const capacity::Step> steps, const capacity::Seconds& paid);

  /// Whether room was made since the last call: batches were trimmed, or a segment of such batches was let go.
  bool has_made_room() { return std::exchange(made_room_, false); }

  /// The settings of the stream, as of the last append.
  [[nodiscard]] const StreamSettings& settings() const { return configuration_.settings; }

 private:
  /// What is done with the batches before they are stored: returns why they are not to be.
  using Admit = std::function<std::optional<Outcome>()>;

  std::vector<Outcome> store(const AppendRequest& request, const Admit& admit, const std::function<void()>& and_then);
  std::optional<std::vector<Outcome>> store_now(const AppendRequest& request, std::span<const PayloadPlace> places,
                                                const Admit& admit, const std::function<void()>& and_then);
  void forget(bool nothing_stored);
  std::vector<Outcome> insert_all(const AppendRequest& request, std::span<const PayloadPlace> places, Timestamp now);
  void catch_up();
  void learn_configuration();
  std::optional<Outcome> charge(std::span<const RoutedBatch> batches);
  capacity::Slice reserve_now(std::span<const capacity::Step> steps, const capacity::Seconds& paid);
  CapacityTable& buckets();
  Producers& producers();
  [[nodiscard]] bool all_open(std::span<const RoutedBatch> batches) const;
  [[nodiscard]] Timestamp arrival_of(const RoutedBatch& batch, Timestamp now) const;
  Stored insert(const RoutedBatch& batch, const PayloadPlace* place, Timestamp arrived_at, bool begins_append);
  void insert_row(const BatchRow& row, std::string_view payload);

  Database& database_;
  Committer& committer_;
  const Clock& clock_;
  Configuration configuration_;
  Tail tail_;
  TailScan scan_;
  SQLite::Statement version_;
  SQLite::Statement insert_;
  Room room_;
  bool made_room_ = false;
  std::optional<SegmentWriter> segments_;
  std::optional<Producers> producers_;    ///< prepared by the first move
  std::optional<CapacityTable> buckets_;  ///< prepared by the first append under a limit
};

}  // namespace shardlog::sqlite
