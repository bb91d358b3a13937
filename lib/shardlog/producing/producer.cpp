#include "shardlog/producing/producer.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "shardlog/producing/packer.h"
#include "shardlog/producing/writer.h"

namespace shardlog::producing {

namespace {

/// What one caller waits for.
struct Call {
  Packed packed;
  Written written{};
  std::exception_ptr failure{};
  bool done = false;
};

/// The part of a common commit that came from the batches `first` to `last`, and of its places from `first_place` on.
Written part_of(const Written& all, std::size_t first, std::size_t last, std::size_t first_place, std::size_t places) {
  Written part;
  std::size_t batches_before = 0;
  for (std::size_t i = 0; i < all.origins.size(); ++i) {
    if (all.origins[i] < first) ++batches_before;
    if (all.origins[i] < first || all.origins[i] >= last) continue;
    part.packed.batches.push_back({all.packed.batches[i].shard, {}});
    part.outcomes.push_back(all.outcomes[i]);
    part.origins.push_back(all.origins[i] - first);
  }
  const auto begin = all.packed.places.begin() + static_cast<std::ptrdiff_t>(first_place);
  part.packed.places.assign(begin, begin + static_cast<std::ptrdiff_t>(places));
  for (Place& place : part.packed.places) {
    if (place.batch != Place::not_packed) place.batch -= static_cast<std::uint32_t>(batches_before);
  }
  return part;
}

}  // namespace

/// Callers that put at the same time, and how their records come into common commits.
class Producer::Grouping {
 public:
  Grouping(Stream& stream, const StreamDescription& description, Sync sync);

  std::vector<RecordOutcome> put(std::span<const Record> records, const std::stop_token& stop);

 private:
  std::unique_ptr<Packer> borrow_packer();
  void give_back(std::unique_ptr<Packer> packer);
  Written store(Packed packed, const std::stop_token& stop);
  void lead(std::unique_lock<std::mutex>& guard, const std::stop_token& stop);

  StreamSettings settings_;
  Writer writer_;  ///< used by the caller that leads

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  ShardMap map_;
  std::vector<std::unique_ptr<Packer>> packers_;  ///< that nobody uses
  std::vector<Call*> waiting_;
  bool led_ = false;  ///< a caller is storing for others
};

Producer::Producer(Stream& stream, Sync sync)
    : grouping_(std::make_unique<Grouping>(stream, stream.describe(), sync)) {}

Producer::~Producer() = default;

std::vector<RecordOutcome> Producer::put(std::span<const Record> records, const std::stop_token& stop) {
  return grouping_->put(records, stop);
}

Producer::Grouping::Grouping(Stream& stream, const StreamDescription& description, Sync sync)
    : settings_(description.settings),
      writer_(stream, description, sync,
              [this](const ShardMap& map) {
                const std::lock_guard guard(mutex_);
                map_ = map;
              }),
      map_(description.map) {}

std::vector<RecordOutcome> Producer::Grouping::put(std::span<const Record> records, const std::stop_token& stop) {
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
  Packed packed = packer->take();
  give_back(std::move(packer));
  const Written written = store(std::move(packed), stop);
  std::vector<RecordOutcome> outcomes;
  outcomes.reserve(records.size());
  for (const Place& place : written.packed.places) {
    outcomes.push_back(place.batch == Place::not_packed ? refused[place.index] : written.of(place));
  }
  return outcomes;
}

std::unique_ptr<Packer> Producer::Grouping::borrow_packer() {
  const std::lock_guard guard(mutex_);
  if (packers_.empty()) return std::make_unique<Packer>(map_, settings_.compression, true);
  std::unique_ptr<Packer> packer = std::move(packers_.back());
  packers_.pop_back();
  if (packer->version() != map_.version()) packer->use(map_);
  return packer;
}

void Producer::Grouping::give_back(std::unique_ptr<Packer> packer) {
  const std::lock_guard guard(mutex_);
  packers_.push_back(std::move(packer));
}

Written Producer::Grouping::store(Packed packed, const std::stop_token& stop) {
  Call call{std::move(packed)};
  std::unique_lock guard(mutex_);
  waiting_.push_back(&call);
  changed_.wait(guard, [&] { return call.done || !led_; });
  if (!call.done) lead(guard, stop);
  if (call.failure) std::rethrow_exception(call.failure);
  return std::move(call.written);
}

/// Stores what all that wait have brought, in one commit.
void Producer::Grouping::lead(std::unique_lock<std::mutex>& guard, const std::stop_token& stop) {
  led_ = true;
  const std::vector<Call*> calls = std::exchange(waiting_, {});
  guard.unlock();
  std::exception_ptr failure;
  try {
    Packed all;
    std::vector<std::pair<std::size_t, std::size_t>> ends;  // of batches and places, by call
    for (Call* const call : calls) {
      all.append(std::move(call->packed));
      ends.emplace_back(all.batches.size(), all.places.size());
    }
    const Written written = writer_.store(std::move(all), {}, stop);
    std::pair<std::size_t, std::size_t> start;
    for (std::size_t i = 0; i < calls.size(); start = ends[i++]) {
      calls[i]->written = part_of(written, start.first, ends[i].first, start.second, ends[i].second - start.second);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  guard.lock();
  for (Call* const call : calls) {
    call->failure = failure;
    call->done = true;
  }
  led_ = false;
  changed_.notify_all();
}

}  // namespace shardlog::producing
