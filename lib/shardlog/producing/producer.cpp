#include "shardlog/producing/producer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "shardlog/core/threads.h"
#include "shardlog/metrics/recorder.h"
#include "shardlog/producing/allotment.h"
#include "shardlog/producing/packer.h"
#include "shardlog/producing/reservations.h"
#include "shardlog/producing/writer.h"

namespace shardlog::producing {

namespace {

using Watch = std::chrono::steady_clock;

/// How long a caller waits for others, and what ends its wait for capacity and room.
struct Waiting {
  const std::stop_token& stop;
  std::optional<Duration> patience;
};

/// How many callers share a commit. A commit that hangs holds all of them until it ends, so a server with more threads
/// than this can still answer others.
constexpr std::size_t most_calls = 32;

Error takes_too_long() {
  return {ErrorCode::busy, "append: the records before these take too long to store"};
}

/// Requests a stop after some time, unless it is destroyed before.
class Timer {
 public:
  explicit Timer(Duration time)
      : thread_(start_thread([this, time](const std::stop_token& done) {
          sleep_for(time, done);
          late_.request_stop();
        })) {}

  [[nodiscard]] std::stop_token token() const { return late_.get_token(); }

 private:
  std::stop_source late_;
  std::jthread thread_;
};

/// Takes out the batches of these shards. Their records get places that are not packed, with the given indexes.
void leave_out(Packed& packed, const std::map<ShardId, std::uint32_t>& indexes) {
  if (indexes.empty()) return;
  Packed before = std::exchange(packed, {});
  std::vector<Place> begins;  // of each batch before: its place now, or why it has none
  std::size_t run = 0;
  for (std::size_t old = 0; old < before.batches.size(); ++old) {
    const bool is_run = run < before.runs.size() && before.runs[run] == old;
    if (is_run) ++run;
    const auto left_out = indexes.find(before.batches[old].shard);
    if (left_out != indexes.end()) {
      begins.push_back({Place::not_packed, left_out->second});
      continue;
    }
    begins.push_back({static_cast<std::uint32_t>(packed.batches.size()), 0});
    if (is_run) packed.runs.push_back(packed.batches.size());
    packed.batches.push_back(std::move(before.batches[old]));
  }
  for (const Place& place : before.places) {
    const Place* const begin = place.batch == Place::not_packed ? nullptr : &begins[place.batch];
    const bool stays = begin != nullptr && begin->batch != Place::not_packed;
    packed.places.push_back(begin == nullptr ? place : stays ? Place{begin->batch, place.index} : *begin);
  }
}

/// What is measured of a call: since when its records wait, the first of their places, and what had to wait for
/// capacity.
struct Timed {
  Duration since{0};
  std::size_t first_place = 0;
  capacity::Step throttled{};
};

/// The records of one caller, and what it waits for.
struct Call {
  Packed packed;
  Duration since;                            ///< when it began
  std::shared_ptr<const Written> written{};  ///< shared by all calls of a commit
  std::size_t first_place = 0;               ///< of the call's records in it
  capacity::Step throttled{};                ///< what had to wait for capacity, or found none
  std::exception_ptr failure{};
  bool done = false;
};

}  // namespace

/// Stores the records of callers that call put() at the same time in common commits.
class Producer::Grouping {
 public:
  Grouping(Stream& stream, const StreamDescription& description, const Clock& clock, Sync sync)
      : settings_(description.settings),
        clock_(clock),
        recorder_(stream.metrics(), clock),
        writer_(stream, description, sync,
                [this](const ShardMap& map) {
                  const std::lock_guard guard(mutex_);
                  map_ = map;
                }),
        map_(description.map) {}
  Grouping(const Grouping&) = delete;
  Grouping& operator=(const Grouping&) = delete;
  ~Grouping() { recorder_.write_at_end(); }

  std::vector<RecordOutcome> put(std::span<const Record> records, const Waiting& waiting) {
    const Duration since = clock_.elapsed();
    std::unique_ptr<Packer> packer = borrow_packer();
    std::vector<RecordOutcome> refused;
    const auto refuse = [&](RecordNotStored reason) {
      packer->leave_out(static_cast<std::uint32_t>(refused.size()));
      refused.emplace_back(std::move(reason));
    };
    auto allotment = allot(waiting);
    for (const Record& record : records) {
      try {
        check(record, settings_.max_record_size);
        const auto over = allotment ? allotment->take(record) : std::nullopt;
        if (over) {
          refuse(over_limit(*over));
        } else {
          packer->add(record);
        }
      } catch (const Error& error) {
        refuse({error.code(), error.what()});
      }
    }
    packer->flush();
    Call call{packer->take(), since};
    if (allotment) call.throttled = allotment->refused();
    give_back(std::move(packer));
    if (is_limited()) reserve(call, waiting, refused);
    store(call, waiting);
    std::vector<RecordOutcome> outcomes;
    outcomes.reserve(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Place& place = call.written->packed.places[call.first_place + i];
      outcomes.push_back(place.batch == Place::not_packed ? refused[place.index] : call.written->of(place));
    }
    return outcomes;
  }

 private:
  std::unique_ptr<Packer> borrow_packer() {
    const std::lock_guard guard(mutex_);
    if (packers_.empty()) return std::make_unique<Packer>(map_, settings_.compression, true, most_at_once(settings_));
    std::unique_ptr<Packer> packer = std::move(packers_.back());
    packers_.pop_back();
    if (packer->version() != map_.version()) packer->use(map_);
    return packer;
  }

  void give_back(std::unique_ptr<Packer> packer) {
    const std::lock_guard guard(mutex_);
    packers_.push_back(std::move(packer));
  }

  /// Whether the stream limits what is written. If that changes, the Writer notices.
  [[nodiscard]] bool is_limited() const { return settings_.limits.write_records || settings_.limits.write_bytes; }

  /// Nullopt if there is no need for one.
  std::optional<Allotment> allot(const Waiting& waiting) {
    if (!is_limited() || !waiting.patience) return std::nullopt;
    const std::lock_guard guard(mutex_);
    return std::optional<Allotment>(std::in_place, settings_.limits, *waiting.patience, map_);
  }

  /// Waits for the capacity that the records need of each shard. Leaves out those of shards that have none.
  void reserve(Call& call, const Waiting& waiting, std::vector<RecordOutcome>& refused) {
    capacity::Step needs;
    in_turn(waiting, [&] { needs = writer_.deal(call.packed); });
    const auto reserve_slice = [&](const capacity::Step& step, const capacity::Seconds& paid) {
      capacity::Slice slice;
      in_turn(waiting, [&] { slice = writer_.reserve({&step, 1}, paid); });
      return slice;
    };
    const auto reservations = reservations_.wait(needs, reserve_slice, waiting.stop, waiting.patience);
    std::map<ShardId, std::uint32_t> reasons;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      if (reservations[i].had_to_wait) call.throttled.push_back(needs[i]);
      if (reservations[i].is_reserved) continue;
      reasons.emplace(needs[i].shard, static_cast<std::uint32_t>(refused.size()));
      refused.emplace_back(over_limit(throttled_by(reservations[i].slice)));
    }
    leave_out(call.packed, reasons);
  }

  /// Does `work` as a caller who leads, alone.
  template <typename Work>
  void in_turn(const Waiting& waiting, const Work& work) {
    std::unique_lock guard(mutex_);
    const auto is_free = [this] { return !led_; };
    if (!waiting.patience) {
      changed_.wait(guard, is_free);
    } else if (!changed_.wait_for(guard, *waiting.patience, is_free)) {
      throw takes_too_long();
    }
    led_ = true;
    led_since_ = Watch::now();
    guard.unlock();
    const Leading leading(*this);
    work();
  }

  /// Ends with the lead.
  class Leading {
   public:
    explicit Leading(Grouping& grouping) : grouping_(grouping) {}
    Leading(const Leading&) = delete;
    Leading& operator=(const Leading&) = delete;
    ~Leading() {
      const std::lock_guard guard(grouping_.mutex_);
      grouping_.led_ = false;
      grouping_.changed_.notify_all();
    }

   private:
    Grouping& grouping_;
  };

  void store(Call& call, const Waiting& waiting) {
    std::unique_lock guard(mutex_);
    if (led_ && waiting.patience && Watch::now() - led_since_ >= *waiting.patience) throw takes_too_long();
    waiting_.push_back(&call);
    const auto since = Watch::now();
    while (!call.done) {
      wait_for_turn(guard, call, waiting.patience ? std::optional(since + *waiting.patience) : std::nullopt);
      if (!call.done) lead(guard, waiting);
    }
    if (call.failure) std::rethrow_exception(call.failure);
  }

  /// Waits until the call is done, or its caller can lead. Throws busy if that takes too long. Nobody stores the
  /// records of the call then.
  void wait_for_turn(std::unique_lock<std::mutex>& guard, const Call& call, std::optional<Watch::time_point> until) {
    const auto has_turn = [&] { return call.done || !led_; };
    if (!until) return changed_.wait(guard, has_turn);
    if (changed_.wait_until(guard, *until, has_turn)) return;
    if (std::erase(waiting_, &call) > 0) throw takes_too_long();
    changed_.wait(guard, has_turn);  // the leader has taken it
  }

  /// Stores the records of waiting callers, the first ones first, in one commit. They go on before it is measured.
  void lead(std::unique_lock<std::mutex>& guard, const Waiting& waiting) {
    std::array<Call*, most_calls> taken{};
    const std::size_t count = std::min(waiting_.size(), most_calls);
    std::copy_n(waiting_.begin(), count, taken.begin());
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    const std::span<Call* const> calls(taken.data(), count);
    led_ = true;
    led_since_ = Watch::now();
    guard.unlock();
    std::shared_ptr<const Written> written;
    std::exception_ptr failure;
    try {
      written = store_together(calls, waiting);
    } catch (...) {
      failure = std::current_exception();
    }
    const Duration stored_at = clock_.elapsed();
    std::array<Timed, most_calls> timed{};  // a call may be gone as soon as it is done
    for (std::size_t i = 0; i < count; ++i) {
      timed[i] = {calls[i]->since, calls[i]->first_place, std::move(calls[i]->throttled)};
    }
    guard.lock();
    for (Call* const call : calls) {
      call->written = written;
      call->failure = failure;
      call->done = true;
    }
    led_since_ = Watch::now();
    changed_.notify_all();
    guard.unlock();
    if (written) measure({timed.data(), count}, *written, stored_at);
    guard.lock();
    led_ = false;
    changed_.notify_all();
  }

  std::shared_ptr<const Written> store_together(std::span<Call* const> calls, const Waiting& waiting) {
    Packed all;
    for (Call* const call : calls) {
      call->first_place = all.places.size();
      all.append(std::move(call->packed));
    }
    const auto written = std::make_shared<Written>();  // before, because there may be no memory for it after the commit
    const bool may_wait = writer_.limited() || settings_.max_bytes != unbounded;
    if (!may_wait || !waiting.patience) {
      *written = store_all(std::move(all), waiting.stop);
      return written;
    }
    // From now, not from when the leader came: the others may have come just now.
    const Timer late(*waiting.patience);
    const EitherStop either(waiting.stop, late.token());
    *written = store_all(std::move(all), either.token());
    return written;
  }

  Written store_all(Packed all, const std::stop_token& stop) {
    if (!is_limited()) return writer_.store(std::move(all), {}, stop);
    if (!all.batches.empty()) return writer_.store_reserved(std::move(all), {}, {}, {}, stop);
    Written nothing;
    nothing.packed = std::move(all);
    return nothing;
  }

  /// Counts what a commit has stored of the calls, and how long they took. They are stored, whatever comes of it.
  void measure(std::span<const Timed> calls, const Written& written, Duration stored_at) noexcept {
    try {
      metrics::Histogram put;
      for (std::size_t i = 0; i < calls.size(); ++i) {
        const std::size_t end = i + 1 < calls.size() ? calls[i + 1].first_place : written.packed.places.size();
        const std::uint64_t stored = stored_of(written, calls[i].first_place, end);
        if (stored > 0) put.add(stored_at - calls[i].since, stored);
        add_throttled(calls[i].throttled);
      }
      if (!put.empty()) recorder_.at(clock_.now()).put.add(put);
      if (written.throttled) add_throttled(step_of(written.packed.batches));
      recorder_.write_if_due();
    } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory
    }
  }

  void add_throttled(const capacity::Step& step) {
    for (const auto& [shard, records, bytes] : step) {
      recorder_.at(clock_.now()).shards[shard].throttled += {records, bytes, 1};
    }
  }

  static std::uint64_t stored_of(const Written& written, std::size_t first_place, std::size_t end) {
    std::uint64_t stored = 0;
    for (std::size_t i = first_place; i < end; ++i) {
      const Place& place = written.packed.places[i];
      if (place.batch == Place::not_packed) continue;
      if (std::holds_alternative<Stored>(written.outcomes[place.batch])) ++stored;
    }
    return stored;
  }

  StreamSettings settings_;
  const Clock& clock_;
  // Used only by the caller that leads.
  metrics::Recorder recorder_;
  Writer writer_;
  Reservations reservations_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  ShardMap map_;
  std::vector<std::unique_ptr<Packer>> packers_;  ///< not in use
  std::vector<Call*> waiting_;
  bool led_ = false;  ///< a caller is storing the records of several
  Watch::time_point led_since_;
};

Producer::Producer(Stream& stream, const Clock& clock, Sync sync)
    : grouping_(std::make_unique<Grouping>(stream, stream.describe(), clock, sync)) {}

Producer::~Producer() = default;

std::vector<RecordOutcome> Producer::put(std::span<const Record> records, const std::stop_token& stop,
                                         std::optional<Duration> patience) {
  return grouping_->put(records, {stop, patience});
}

}  // namespace shardlog::producing
