#include "shardlog/producing/producer.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "shardlog/metrics/recorder.h"
#include "shardlog/producing/packer.h"
#include "shardlog/producing/writer.h"

namespace shardlog::producing {

namespace {

/// The records of one caller, and what it waits for.
struct Call {
  Packed packed;
  Duration since;                            ///< when it began
  std::shared_ptr<const Written> written{};  ///< shared by all calls of a commit
  std::size_t first_place = 0;               ///< of the call's records in it
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

  std::vector<RecordOutcome> put(std::span<const Record> records, const std::stop_token& stop) {
    const Duration since = clock_.elapsed();
    std::unique_ptr<Packer> packer = borrow_packer();
    std::vector<RecordOutcome> refused;
    for (const Record& record : records) {
      try {
        check(record, settings_.max_record_size);
        packer->add(record);
      } catch (const Error& error) {
        packer->leave_out(static_cast<std::uint32_t>(refused.size()));
        refused.emplace_back(RecordNotStored{error.code(), error.what()});
      }
    }
    packer->flush();
    Call call{packer->take(), since};
    give_back(std::move(packer));
    store(call, stop);
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

  void store(Call& call, const std::stop_token& stop) {
    std::unique_lock guard(mutex_);
    waiting_.push_back(&call);
    changed_.wait(guard, [&] { return call.done || !led_; });
    if (!call.done) lead(guard, stop);
    if (call.failure) std::rethrow_exception(call.failure);
  }

  /// Stores the records of all waiting callers in one commit.
  void lead(std::unique_lock<std::mutex>& guard, const std::stop_token& stop) {
    led_ = true;
    const std::vector<Call*> calls = std::exchange(waiting_, {});
    guard.unlock();
    std::shared_ptr<const Written> written;
    std::exception_ptr failure;
    try {
      Packed all;
      for (Call* const call : calls) {
        call->first_place = all.places.size();
        all.append(std::move(call->packed));
      }
      written = std::make_shared<const Written>(writer_.store(std::move(all), {}, stop));
      measure(calls, *written);
    } catch (...) {
      failure = std::current_exception();
    }
    guard.lock();
    for (Call* const call : calls) {
      call->written = written;
      call->failure = failure;
      call->done = true;
    }
    led_ = false;
    changed_.notify_all();
  }

  /// Counts what a commit has stored of the calls, and how long they took.
  void measure(const std::vector<Call*>& calls, const Written& written) {
    const Duration now = clock_.elapsed();
    metrics::Measures& measures = recorder_.at(clock_.now());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::size_t end = i + 1 < calls.size() ? calls[i + 1]->first_place : written.packed.places.size();
      measures.put.add(now - calls[i]->since, stored_of(written, calls[i]->first_place, end));
    }
    if (written.throttled) {
      for (const auto& [shard, records, bytes] : step_of(written.packed.batches)) {
        measures.shards[shard].throttled += {records, bytes, 1};
      }
    }
    recorder_.write_if_due();
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

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  ShardMap map_;
  std::vector<std::unique_ptr<Packer>> packers_;  ///< not in use
  std::vector<Call*> waiting_;
  bool led_ = false;  ///< a caller is storing the records of several
};

Producer::Producer(Stream& stream, const Clock& clock, Sync sync)
    : grouping_(std::make_unique<Grouping>(stream, stream.describe(), clock, sync)) {}

Producer::~Producer() = default;

std::vector<RecordOutcome> Producer::put(std::span<const Record> records, const std::stop_token& stop) {
  return grouping_->put(records, stop);
}

}  // namespace shardlog::producing
