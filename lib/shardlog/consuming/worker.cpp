#include "shardlog/consuming/worker.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "shardlog/consuming/batches.h"
#include "shardlog/consuming/lease_keeper.h"
#include "shardlog/consuming/shard_reader.h"
#include "shardlog/core/threads.h"

namespace shardlog::consuming {

namespace {

constexpr Duration checkpoint_interval = std::chrono::milliseconds(20);
constexpr Duration look_at_delivery = std::chrono::milliseconds(50);  // while delivered records are not processed yet
constexpr Duration longest_wait = std::chrono::hours(1);

/// Where each shard ended when the run began; nullopt when following.
std::optional<std::vector<LocatedStart>> ends_of(Stream& stream, bool follow) {
  if (follow) return std::nullopt;
  return stream.locate(Latest{}, {});
}

/// Counts the records that were delivered and are processed now. Those of a batch count when all of them are.
class Progress {
 public:
  void delivered(const Batch& batch) {
    Shard& shard = shards_[batch.shard];
    shard.epoch = batch.epoch;
    shard.batches.push_back({batch.last_sequence(), batch.records()});
  }

  /// Returns how many records that makes.
  std::uint64_t processed(const Processed& processed) {
    std::uint64_t records = 0;
    std::deque<Delivered>& batches = shards_[processed.shard].batches;
    for (; !batches.empty() && batches.front().last <= processed.last; batches.pop_front()) {
      records += batches.front().records;
    }
    return records;
  }

  /// Keeps what was delivered under these leases. The rest will be delivered again, by this worker or another one.
  void keep(const std::map<ShardId, HeldLease>& held) {
    std::erase_if(shards_, [&](const auto& shard) {
      const auto found = held.find(shard.first);
      return found == held.end() || found->second.lease.epoch != shard.second.epoch;
    });
  }

 private:
  struct Delivered {
    SequenceNumber last;
    std::uint64_t records;
  };
  struct Shard {
    std::uint64_t epoch = 0;  ///< of the lease
    std::deque<Delivered> batches;
  };
  std::map<ShardId, Shard> shards_;
};

/// Keeps the leases, and adds to the stream what was measured, during a delivery too: that of a command may take long.
class TendedLifeline final : public Lifeline {
 public:
  TendedLifeline(LeaseKeeper& keeper, ReadMeter& meter) : keeper_(keeper), meter_(meter) {}

  [[nodiscard]] Duration until_due() const override { return std::min(keeper_.until_due(), meter_.until_due()); }
  void tend() override {
    if (keeper_.until_due() == Duration(0)) keeper_.tend();
    meter_.write_if_due();
  }

 private:
  LeaseKeeper& keeper_;
  ReadMeter& meter_;
};

class Worker {
 public:
  Worker(const WorkerOptions& options, Stream& stream, Delivery& delivery, const Clock& clock,
         const std::stop_token& stop)
      : options_(options),
        delivery_(delivery),
        clock_(clock),
        stop_(stop),
        waking_(stop, delivery.refusal()),
        ends_(ends_of(stream, options.follow)),
        keeper_(stream, clock,
                {options.consumer,
                 {options.worker, stream.liveness().self(), options.lease_duration},
                 options.follow,
                 options.workers,
                 ends_ && !ends_->empty() ? std::optional(ends_->back().shard) : std::nullopt}),
        reader_(stream, options, clock, ends_, [&delivery](const Throttling& why) { delivery.throttled(why); }),
        batches_(options.batch),
        checkpoint_interval_(std::max(checkpoint_interval, stream.capabilities().shortest_progress)) {}

  WorkerReport run() {
    try {
      work();
      leave();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::fenced) release_what_is_left();
      throw;
    } catch (...) {
      release_what_is_left();
      throw;
    }
    return std::move(report_);
  }

 private:
  void work() {
    idle_since_ = clock_.elapsed();
    while (!stop_.stop_requested()) {
      if (lifeline_.until_due() == Duration(0)) lifeline_.tend();
      finish_shards();
      follow_leases();
      if (const auto shard = next_to_deliver()) {
        if (!deliver(*shard)) {
          report_.refused = true;
          return;
        }
        collect(false);
        keeper_.honour_claims();
        keeper_.notice_busy();
      } else if (may_read()) {
        read();
        keeper_.notice_busy();
      } else if (!rest()) {
        return;
      }
    }
  }

  /// Ends the run in an orderly way; delivers nothing more.
  void leave() {
    keeper_.take_no_more();
    reader_.give_up_capacity();
    delivery_.finish(lifeline_);
    collect(true);
    reader_.meter().finish();
    finish_shards();
    if (!options_.follow) report_.left_to_others = keeper_.leases_of_others();
    keeper_.release();
  }

  void release_what_is_left() {
    try {
      keeper_.release();
    } catch (...) {  // the first error is the one to report
    }
  }

  /// Makes the reader read the shards that are held and not claimed, each from where it was left.
  void follow_leases() {
    if (followed_ == keeper_.version()) return;
    followed_ = keeper_.version();
    for (auto shard = epochs_.begin(); shard != epochs_.end();) {
      const auto held = keeper_.held().find(shard->first);
      const bool goes_on =
          held != keeper_.held().end() && !held->second.claimed() && held->second.lease.epoch == shard->second;
      if (goes_on) {
        ++shard;
        continue;
      }
      reader_.remove(shard->first);
      batches_.drop(shard->first);
      shard = epochs_.erase(shard);
    }
    progress_.keep(keeper_.held());
    report_.held_any = report_.held_any || !keeper_.held().empty();
    for (const auto& [shard, held] : keeper_.held()) {
      if (held.claimed() || !epochs_.emplace(shard, held.lease.epoch).second) continue;
      const Checkpoint start = later(held.after_delivered(), delivery_.start(held.lease));
      if (!held.delivered) keeper_.advance(shard, start);
      reader_.add(shard, start);
    }
  }

  std::optional<ShardId> next_to_deliver() {
    if (const auto shard = batches_.full()) return shard;
    if (const auto shard = batches_.waited(clock_.elapsed(), reader_.at_tail() || reader_.is_throttled())) return shard;
    const bool is_last = reader_.at_end() || is_idle_for_too_long();
    return is_last || batches_.memory() + ShardReader::piece_bytes > most_memory ? batches_.oldest() : std::nullopt;
  }

  bool deliver(ShardId shard) {
    const Batches::Piece piece = batches_.take(shard);
    if (const auto* gap = std::get_if<Gap>(&piece)) {
      report_.missed_records = true;
      keeper_.told(*gap);
      return delivery_.tell(*gap);
    }
    const Lease& lease = keeper_.held().at(shard).lease;
    const Batch batch{shard, lease.epoch, lease.generation, std::get<std::vector<Slice>>(piece)};
    keeper_.delivering(shard, batch.last_sequence());
    has_flushed_ = false;
    progress_.delivered(batch);
    const bool goes_on = delivery_.deliver(batch, lifeline_);
    idle_since_ = clock_.elapsed();
    return goes_on;
  }

  /// Moves the checkpoints after the processed records.
  void collect(bool at_once) {
    for (const Processed& processed : delivery_.processed()) {
      keeper_.processed(processed);
      reader_.meter().processed(progress_.processed(processed));
    }
    const Duration now = clock_.elapsed();
    if (!at_once && now - committed_at_ < checkpoint_interval_) return;
    keeper_.commit();
    committed_at_ = now;
  }

  void finish_shards() {
    for (const ShardId shard : reader_.ended()) {
      const auto held = keeper_.held().find(shard);
      if (held == keeper_.held().end() || held->second.outstanding || !batches_.empty(shard)) continue;
      keeper_.finish(shard);
    }
  }

  [[nodiscard]] bool may_read() const {
    return reader_.may_have_more() && !is_throttled() && (clock_.elapsed() >= read_at_ || last_look_is_due());
  }

  /// Whether the limits of the stream allow no read yet.
  [[nodiscard]] bool is_throttled() const { return reader_.is_throttled() && clock_.elapsed() < throttled_until_; }

  void read() {
    batches_.begin();
    const Duration now = clock_.elapsed();
    looked_at_ = now;
    if (reader_.read(batches_, now)) idle_since_ = clock_.elapsed();
    if (reader_.is_throttled()) {
      throttled_until_ = clock_.elapsed() + reader_.throttled_for();
      idle_since_ = throttled_until_;  // it has something to do
    }
    if (options_.poll && reader_.at_tail()) read_at_ = now + *options_.poll;
  }

  // A worker is idle while it has nothing to deliver and everything delivered is processed. Before it exits because it
  // was idle for the whole idle time, it must look for records once more and find none. That look must begin strictly
  // after the end of the idle time, because both moments may fall into the same microsecond.

  [[nodiscard]] bool is_idle_long_enough_at(Duration time) const {
    return options_.follow && options_.idle_exit && time - idle_since_ > *options_.idle_exit;
  }
  [[nodiscard]] bool is_idle_for_too_long() const { return is_idle_long_enough_at(looked_at_); }
  [[nodiscard]] bool last_look_is_due() const {
    return !is_idle_for_too_long() && is_idle_long_enough_at(clock_.elapsed());
  }

  [[nodiscard]] bool is_outstanding() const {
    const auto& held = keeper_.held();
    return std::any_of(held.begin(), held.end(), [](const auto& each) { return each.second.outstanding; });
  }

  /// Called when there is nothing to deliver and nothing to read. False if the worker should end.
  bool rest() {
    const bool was_outstanding = is_outstanding();
    collect(true);
    if (was_outstanding) idle_since_ = clock_.elapsed();
    if (!has_flushed_) delivery_.flush(lifeline_);
    has_flushed_ = true;
    finish_shards();
    keeper_.honour_claims();
    if (!delivery_.wants_more()) {
      report_.refused = true;
      return false;
    }
    if (keeper_.version() != followed_ || keeper_.until_due() == Duration(0)) return true;
    if (!reader_.is_throttled() && (options_.follow ? is_idle_for_too_long() : !is_outstanding())) {
      keeper_.take_the_rest();
      if (keeper_.version() != followed_) return true;
      if (!keeper_.unknown_until()) return false;
    }
    wait();
    return true;
  }

  void wait() {
    const Duration now = clock_.elapsed();
    Duration time = std::min(keeper_.until_due(), longest_wait);
    const auto until = [&](Duration at) { time = std::min(time, std::max(at - now, Duration(0))); };
    if (const auto due = batches_.due_at()) until(*due);
    const bool outstanding = is_outstanding();
    if (outstanding) time = std::min(time, look_at_delivery);
    if (!options_.follow || is_idle_for_too_long()) {
      if (const auto known = keeper_.unknown_until()) until(*known);
    } else if (options_.idle_exit && !outstanding) {
      time = std::min(time, std::max(*options_.idle_exit - (now - idle_since_), Duration(0)));
    }
    if (reader_.is_throttled()) until(throttled_until_);
    if (!options_.follow || reader_.is_throttled()) return sleep_for(time, waking_.token());
    if (options_.poll) until(std::max(read_at_, now));
    if (reader_.wait(time, waking_.token())) keeper_.notice();
  }

  static constexpr std::size_t most_memory = 32UL * 1024 * 1024;  // of records read and not yet delivered

  const WorkerOptions& options_;
  Delivery& delivery_;
  const Clock& clock_;
  const std::stop_token& stop_;
  EitherStop waking_;  // ends a wait for records
  std::optional<std::vector<LocatedStart>> ends_;
  LeaseKeeper keeper_;
  ShardReader reader_;
  TendedLifeline lifeline_{keeper_, reader_.meter()};
  Batches batches_;
  Progress progress_;
  WorkerReport report_;
  std::map<ShardId, std::uint64_t> epochs_;  // of the leases whose shards are read
  std::optional<std::uint64_t> followed_;    // the version of the leases that epochs_ follows
  bool has_flushed_ = true;
  Duration checkpoint_interval_;
  Duration committed_at_{0};
  Duration idle_since_{0};
  Duration looked_at_{-1};  // when the last look for records began
  Duration read_at_ = Duration::min();
  Duration throttled_until_ = Duration::min();
};

}  // namespace

WorkerReport run_worker(const WorkerOptions& options, Stream& stream, Delivery& delivery, const Clock& clock,
                        const std::stop_token& stop) {
  return Worker(options, stream, delivery, clock, stop).run();
}

}  // namespace shardlog::consuming
