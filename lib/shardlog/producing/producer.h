#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "shardlog/core/export.h"
#include "shardlog/log/stream.h"
#include "shardlog/producing/record_outcome.h"

namespace shardlog::producing {

/// Puts records into a stream, for any number of threads at once: what several of them put while a commit is under way
/// is stored together by the next one.
class Producer {
 public:
  /// Uses `stream`, which is open for writing and must outlive it, alone.
  SHARDLOG_API explicit Producer(Stream& stream, Sync sync = Sync::full);
  SHARDLOG_API ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Returns once all of them are stored, or never will be: what became of each, in their order. A record that breaks a
  /// rule of the stream is refused by itself. Throws as Stream::append(), to all whose records were in one commit.
  SHARDLOG_API std::vector<RecordOutcome> put(std::span<const Record> records, const std::stop_token& stop = {});

 private:
  class Grouping;

  std::unique_ptr<Grouping> grouping_;
};

}  // namespace shardlog::producing
