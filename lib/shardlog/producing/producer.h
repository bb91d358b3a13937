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
///
/// Notices changes of the shards and, within a second, of the limits. The size of the largest record, the compression,
/// and whether the stream is bounded stay as they were when the producer was made.
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
  /// theirs takes longer, put() throws busy, and none of them is stored.
  ///
  /// In a stream with limits they wait first for capacity, at most `patience`, and the records of each shard on their
  /// own. If a shard has not enough, as many of its records are stored as it has capacity for in that time, the first
  /// ones, and the others are refused with busy. What is more than a shard earns in half of `patience` is refused at
  /// once. If a shard has no capacity, the records for others are stored.
  SHARDLOG_API std::vector<RecordOutcome> put(std::span<const Record> records, const std::stop_token& stop = {},
                                              std::optional<Duration> patience = std::nullopt);

  /// Adds to the metrics what was measured more than ten seconds ago, as put() does. For a program that may have
  /// nothing to put for long. Does nothing while records are being stored.
  SHARDLOG_API void tend();

 private:
  class Parts;

  std::unique_ptr<Parts> parts_;
};

}  // namespace shardlog::producing
