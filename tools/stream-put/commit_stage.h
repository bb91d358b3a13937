#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "shardlog/producing/writer.h"
#include "tools/common/bounded_queue.h"
#include "tools/common/tool.h"
#include "tools/stream-put/batcher.h"
#include "tools/stream-put/progress.h"

namespace shardlog::cli {

/// Stores what was encoded, moves the producer, and tells what became of the records: acknowledgements, messages and a
/// summary.
class CommitStage {
 public:
  /// `stored` is what the stream knows of the producer. The stream, the command and the context must outlive it.
  CommitStage(Stream& stream, const StreamDescription& description, const PutCommand& command,
              const std::vector<Producer>& stored, const Context& context, producing::Writer::OnNewMap on_new_map);

  /// Stores what comes out of the queue until that ends. Throws the error that ended the input, as Stream::append(),
  /// and as producing::Written::check().
  void run(BoundedQueue<Encoded>& queue, InFlight& in_flight, Progress& progress);

  [[nodiscard]] std::uint64_t records() const { return records_; }

  /// "2 records committed, the last is 7 of shardId-000000000000"
  [[nodiscard]] std::string summary() const;

  /// Prints what a successful run has to say.
  [[nodiscard]] ExitStatus report() const;

 private:
  std::uint64_t store(Encoded& encoded, Progress& progress);
  producing::Written append(Encoded& encoded, Progress& progress);
  void count(const RoutedBatch& batch, const Outcome& outcome);
  void acknowledge(const producing::Written& written, const std::vector<std::string>& reasons) const;
  void warn(const Encoded& encoded, Progress& progress);

  Stream& stream_;
  producing::Writer writer_;
  std::uint64_t most_data_;  ///< gathered before another piece is added
  const PutCommand& command_;
  const Context& context_;
  std::map<std::string, SequenceNumber> positions_;  ///< of the producer, by source
  std::uint64_t records_ = 0;                        ///< committed
  std::uint64_t moved_in_time_ = 0;                  ///< of these, with another arrival time than they should keep
  std::uint64_t skipped_ = 0;
  std::string last_;  ///< the sequence number and shard of the last record
  bool noticed_ = false;
  bool told_why_full_ = false;
};

}  // namespace shardlog::cli
