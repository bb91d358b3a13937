#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"

namespace shardlog::producing {

struct RecordStored {
  ShardId shard;
  SequenceNumber sequence;
  Timestamp arrived_at;
};

/// The record is not stored, or, if the code is io, nobody knows whether it is.
struct RecordNotStored {
  ErrorCode code;
  std::string reason;
};

using RecordOutcome = std::variant<RecordStored, RecordNotStored>;

/// Puts records into a stream, for any number of threads at once: records that several threads put during a commit are
/// stored together by the next commit. Measures how long that takes, and adds it to the metrics of the stream.
class Producer {
 public:
  /// `stream` is open for writing. It and the clock must outlive the producer, and nothing else may use the stream
  /// meanwhile.
  SHARDLOG_API Producer(Stream& stream, const Clock& clock, Sync sync = Sync::full);
  SHARDLOG_API ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Returns once every record is stored or never will be: the outcome of each, in their order. A record that breaks a
  /// rule of the stream is refused alone. Throws as Stream::append(), in every thread with records in that commit.
  ///
  /// The records wait at most `patience` for the commits before theirs, and as long again for room. If a commit before
  /// theirs takes longer, put() throws busy, and none of them is stored. In a stream with limits they wait first for
  /// their turn to reserve capacity, and for the capacity, each for at most `patience`, and the records of each shard
  /// for themselves: if one shard has no capacity, the records for others are stored. Of the records for one shard,
  /// those are refused at once that are more than it takes in `patience`.
  SHARDLOG_API std::vector<RecordOutcome> put(std::span<const Record> records, const std::stop_token& stop = {},
                                              std::optional<Duration> patience = std::nullopt);

 private:
  class Grouping;

  std::unique_ptr<Grouping> grouping_;
};

}  // namespace shardlog::producing
