#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/reader.h"
#include "shardlog/log/settings.h"

namespace shardlog {

/// All that a shard ever took in up to some point, including what retention has removed since.
struct Intake {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;    ///< data and keys
  std::uint64_t appends = 0;  ///< how many appends stored something in this shard; each counts in all its shards

  friend bool operator==(const Intake&, const Intake&) = default;
};

/// What can be read from a shard. Counts are present if Capabilities::exact_counts is.
struct ShardStatistics {
  Shard shard;
  std::optional<std::uint64_t> records{};
  std::optional<std::uint64_t> bytes{};            ///< data and keys
  std::optional<std::uint64_t> trimmed_records{};  ///< removed by retention
  std::optional<std::uint64_t> trimmed_bytes{};
  std::optional<Intake> intake{};  ///< up to now
  struct End {
    SequenceNumber sequence;
    Timestamp arrived_at;
  };
  std::optional<End> first{};
  std::optional<End> last{};
};

/// How much of a stream's statistics to collect.
enum class Detail {
  load,  ///< all but the ends of the shards: the time does not grow with the number of records
  all,   ///< with many shards this takes as long as reading the headers of all batches
};

struct StreamStatistics {
  StreamDescription description;
  std::vector<ShardStatistics> shards;          ///< in the order of their ids
  std::optional<std::uint64_t> stored_bytes{};  ///< the space that the stream takes in its storage
};

/// The records that a read has still to deliver.
struct Backlog {
  std::vector<std::optional<std::uint64_t>> records;  ///< from each start, in their order; trimmed records do not count
  std::optional<Timestamp> oldest{};  ///< when the first of all of them arrived; nullopt if there are none

  /// Nullopt if a count is not known.
  [[nodiscard]] std::optional<std::uint64_t> total() const {
    std::uint64_t sum = 0;
    for (const auto& each : records) {
      if (!each) return std::nullopt;
      sum += *each;
    }
    return sum;
  }
};

struct VerifyReport {
  std::uint64_t records = 0;
  std::uint64_t batches = 0;
  std::vector<std::string> findings;  ///< empty if everything is as it was written
  std::vector<Loss> losses;           ///< accepted before
  /// Files, and ends of files, that hold nothing of the stream, each in a few words. A later writer gives that space
  /// back.
  std::vector<std::string> unused{};
};

class SHARDLOG_API Maintenance {
 public:
  virtual ~Maintenance() = default;

  /// Changes the settings, then removes what is past retention and gives free space back. Throws as Stream::append(),
  /// and usage.
  virtual void update(const SettingsChange& change) = 0;

  virtual StreamStatistics statistics(Detail detail) = 0;

  /// For each of these times: what each shard took in from records that arrived before that time. The shards are in the
  /// order of their ids. What arrived between two times is the difference of their intakes. One pass answers for all
  /// times. The result for a time is nullopt if records that arrived at that time or later were trimmed. Without
  /// Capabilities::exact_counts all results are nullopt. REQUIRES: the times ascend
  virtual std::vector<std::optional<std::vector<Intake>>> intake(std::span<const Timestamp> times) = 0;

  /// What a read from `starts` would find now. Throws not_found (no such shard). REQUIRES: each shard at most once
  virtual Backlog backlog(std::span<const ShardStart> starts) = 0;

  /// Reads everything. Calls `progress` now and then with the part done, 0 to 1, and stops if it returns false.
  virtual VerifyReport verify(const std::function<bool(double)>& progress) = 0;
};

}  // namespace shardlog
