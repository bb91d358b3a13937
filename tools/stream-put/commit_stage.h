#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/metrics/recorder.h"
#include "shardlog/producing/writer.h"
#include "shardlog/scaling/on_demand.h"
#include "tools/common/bounded_queue.h"
#include "tools/common/tool.h"
#include "tools/stream-put/batcher.h"
#include "tools/stream-put/pending.h"
#include "tools/stream-put/progress.h"

namespace shardlog::cli {

/// Stores what was encoded, moves the producer, and tells what became of the records: acknowledgements, messages and a
/// summary.
class CommitStage {
 public:
  /// `stored` is what the stream knows of the producer. Sets `throttled` while records wait for capacity. The stream,
  /// the command and the context must outlive it.
  CommitStage(Stream& stream, const StreamDescription& description, const PutCommand& command,
              const std::vector<Producer>& stored, const Context& context, producing::Writer::OnNewMap on_new_map,
              std::atomic<bool>& throttled);

  /// Stores what comes out of the queue until the queue ends. Throws the error that ended the input, and what
  /// Stream::append() and producing::Written::check() throw.
  void run(BoundedQueue<Encoded>& queue, InFlight& in_flight, Progress& progress);

  /// To be called after run(), whatever came of it: adds what was measured to the metrics of the stream. A short run is
  /// not worth a commit of its own, unless it was throttled: what is stored is counted by itself.
  void write_measures();

  [[nodiscard]] std::uint64_t records() const { return records_; }

  /// "2 records committed, the last is 7 of shardId-000000000000"
  [[nodiscard]] std::string summary() const;

  /// Prints what a successful run has to say.
  [[nodiscard]] ExitStatus report() const;

 private:
  /// What passes through run().
  struct Flow {
    BoundedQueue<Encoded>& queue;
    InFlight& in_flight;
    Progress& progress;
  };

  std::optional<Encoded> next(BoundedQueue<Encoded>& queue);
  std::optional<Encoded> take_ready(Flow& flow);
  std::vector<std::string_view> look_ahead(BoundedQueue<Encoded>& queue);
  [[nodiscard]] std::size_t held_bytes() const;
  std::optional<Encoded> pop_held();
  [[nodiscard]] bool go_together(const Encoded& one, const Encoded& next) const;
  bool gather(Flow& flow);
  void gather_what_is_ready(Flow& flow);
  void take_in(Encoded piece);
  [[nodiscard]] bool is_full() const;
  [[nodiscard]] bool reads_on() const;
  [[nodiscard]] std::span<const capacity::Step> needs_at_once() const;
  void store_slices(Flow& flow);
  void reserve();
  void leave(const capacity::Slice& slice);
  void wait(Flow& flow);
  void tell_of_stop(const Flow& flow);
  void store_slice(Flow& flow, std::size_t pieces);
  void count_throttled(std::size_t first, std::size_t end);
  void count(std::span<const capacity::Step> steps, metrics::Counts metrics::ShardCounts::*kind);
  void count_sampled_out(const Encoded& piece, const capacity::Step& step);
  void measure(const Encoded& encoded, const producing::Written& written, Duration stored_at);
  void finish(const Flow& flow, const Encoded& encoded, std::uint64_t records);
  std::uint64_t store(Encoded& encoded, Progress& progress, Ahead ahead = {});
  producing::Written append(Encoded& encoded, Progress& progress, Ahead ahead);
  producing::Written append_slice(Encoded& encoded, std::span<const ProducerMove> moves,
                                  const producing::Writer::OnNoRoom& on_no_room);
  void count(const RoutedBatch& batch, const Outcome& outcome);
  void acknowledge(const producing::Written& written, const std::vector<std::string>& reasons) const;
  void warn(const Encoded& encoded, Progress& progress);

  Stream& stream_;
  scaling::OnDemand on_demand_;
  producing::Writer writer_;
  std::uint64_t most_data_;  ///< gathered before another piece is added
  const PutCommand& command_;
  const Context& context_;
  Duration started_;
  metrics::Recorder recorder_;
  bool was_throttled_ = false;
  std::deque<Encoded> held_;  ///< taken from the queue, and for the next commits
  std::optional<Compression>
      joined_;  ///< how small pieces are compressed when they are joined; nullopt if they are large
  PendingPieces pending_;
  std::size_t counted_ = 0;               ///< those before it are counted as throttled, or need not be
  std::optional<capacity::Slice> slice_;  ///< what is reserved of them
  capacity::Seconds paid_{};              ///< of the first of them that is not in the slice
  Duration earned_at_{0};                 ///< when the slice can be stored
  bool fails_ = false;                    ///< more came in than fits the slice, and it is the last one
  std::string why_throttled_;
  std::atomic<bool>& throttled_;
  bool told_of_stop_ = false;
  std::map<std::string, SequenceNumber> positions_;  ///< of the producer, by source
  std::uint64_t records_ = 0;                        ///< committed
  std::uint64_t moved_in_time_ = 0;                  ///< of these, with another arrival time than they should keep
  std::uint64_t skipped_ = 0;
  std::uint64_t dropped_ = 0;
  std::string last_;  ///< the sequence number and shard of the last record
  bool noticed_ = false;
  bool told_why_full_ = false;
};

}  // namespace shardlog::cli
