#include "shardlog/producing/grouping.h"

#include <algorithm>
#include <array>
#include <utility>

#include "shardlog/core/threads.h"

namespace shardlog::producing {

namespace {

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

std::uint64_t stored_of(const Written& written, std::size_t first_place, std::size_t end) {
  std::uint64_t stored = 0;
  for (std::size_t i = first_place; i < end; ++i) {
    const Place& place = written.packed.places[i];
    if (place.batch == Place::not_packed) continue;
    if (std::holds_alternative<Stored>(written.outcomes[place.batch])) ++stored;
  }
  return stored;
}

}  // namespace

Error takes_too_long() {
  return {ErrorCode::busy, "append: the records before these take too long to store"};
}

/// What is measured of a call: since when its records wait, the first of their places, and what had to wait for
/// capacity.
struct Grouping::Timed {
  Duration since{0};
  std::size_t first_place = 0;
  capacity::Step throttled{};
};

/// Ends with the lead.
class Grouping::Leading {
 public:
  explicit Leading(Grouping& grouping) : grouping_(grouping) {}
  Leading(const Leading&) = delete;
  Leading& operator=(const Leading&) = delete;
  ~Leading() {
    const std::lock_guard guard(grouping_.mutex_);
    grouping_.limits_ = grouping_.writer_.limits();
    grouping_.led_ = false;
    grouping_.changed_.notify_all();
  }

 private:
  Grouping& grouping_;
};

Grouping::Grouping(Stream& stream, const StreamDescription& description, const Clock& clock, Sync sync)
    : clock_(clock),
      is_bounded_(description.settings.max_bytes != unbounded),
      recorder_(stream.metrics(), clock),
      writer_(stream, description, sync,
              [this](const ShardMap& map) {
                auto known = std::make_shared<const ShardMap>(map);
                const std::lock_guard guard(mutex_);
                map_ = std::move(known);
              }),
      map_(std::make_shared<const ShardMap>(description.map)),
      limits_(description.settings.limits) {}

Grouping::~Grouping() {
  recorder_.write_at_end();
}

std::shared_ptr<const ShardMap> Grouping::map() const {
  const std::lock_guard guard(mutex_);
  return map_;
}

capacity::Limits Grouping::limits() const {
  const std::lock_guard guard(mutex_);
  return limits_;
}

bool Grouping::in_turn(const Until& until, const std::function<void(Writer&)>& work) {
  std::unique_lock guard(mutex_);
  const auto is_free = [this] { return !led_; };
  if (!until) {
    changed_.wait(guard, is_free);
  } else if (!changed_.wait_until(guard, *until, is_free)) {
    return false;
  }
  led_ = true;
  led_since_ = Watch::now();
  guard.unlock();
  const Leading leading(*this);
  work(writer_);
  return true;
}

void Grouping::tend() {
  in_turn(Watch::now(), [this](Writer& /*writer*/) { recorder_.write_if_due(); });
}

bool Grouping::is_held_up(const Waiting& waiting) const {
  const std::lock_guard guard(mutex_);
  return is_held_up_locked(waiting);
}

bool Grouping::is_held_up_locked(const Waiting& waiting) const {
  return led_ && waiting.patience && Watch::now() - led_since_ >= *waiting.patience;
}

void Grouping::store(Call& call, const Waiting& waiting) {
  std::unique_lock guard(mutex_);
  if (is_held_up_locked(waiting)) throw takes_too_long();
  waiting_.push_back(&call);
  const auto since = Watch::now();
  while (!call.done) {
    wait_for_turn(guard, call, waiting.patience ? Until(since + *waiting.patience) : std::nullopt);
    if (!call.done) lead(guard, waiting);
  }
  if (call.failure) std::rethrow_exception(call.failure);
}

/// Waits until the call is done, or its caller can lead. Throws busy if that takes too long. Nobody stores the records
/// of the call then.
void Grouping::wait_for_turn(std::unique_lock<std::mutex>& guard, const Call& call, const Until& until) {
  const auto has_turn = [&] { return call.done || !led_; };
  if (!until) return changed_.wait(guard, has_turn);
  if (changed_.wait_until(guard, *until, has_turn)) return;
  if (std::erase(waiting_, &call) > 0) throw takes_too_long();
  changed_.wait(guard, has_turn);  // the leader has taken it
}

/// Takes the first of the calls that wait: those that are all reserved, or all not. Returns how many.
std::size_t Grouping::take(std::span<Call*> taken) {
  std::size_t count = 0;
  while (count < std::min(waiting_.size(), taken.size()) &&
         waiting_[count]->is_reserved == waiting_.front()->is_reserved) {
    taken[count] = waiting_[count];
    ++count;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

/// Stores the records of waiting callers, the first ones first, in one commit. They go on before it is measured.
void Grouping::lead(std::unique_lock<std::mutex>& guard, const Waiting& waiting) {
  std::array<Call*, most_calls> taken{};
  const std::size_t count = take(taken);
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
  {
    const Leading leading(*this);
    if (written) measure({timed.data(), count}, *written, stored_at);
  }
  guard.lock();
}

std::shared_ptr<const Written> Grouping::store_together(std::span<Call* const> calls, const Waiting& waiting) {
  Packed all;
  for (Call* const call : calls) {
    call->first_place = all.places.size();
    all.append(std::move(call->packed));
  }
  const bool is_reserved = calls.front()->is_reserved;
  const auto written = std::make_shared<Written>();  // before, because there may be no memory for it after the commit
  const bool may_wait = writer_.limited() || is_bounded_;
  if (!may_wait || !waiting.patience) {
    *written = store_all(std::move(all), is_reserved, waiting.stop);
    return written;
  }
  // From now, not from when the leader came: the others may have come just now.
  const Timer late(*waiting.patience);
  const EitherStop either(waiting.stop, late.token());
  *written = store_all(std::move(all), is_reserved, either.token());
  return written;
}

Written Grouping::store_all(Packed all, bool is_reserved, const std::stop_token& stop) {
  if (!is_reserved) return writer_.store(std::move(all), {}, stop);
  if (!all.batches.empty()) return writer_.store_reserved(std::move(all), {}, {}, {}, stop);
  Written nothing;
  nothing.packed = std::move(all);
  return nothing;
}

/// Counts what a commit has stored of the calls, and how long they took. They are stored, whatever comes of it.
void Grouping::measure(std::span<const Timed> calls, const Written& written, Duration stored_at) noexcept {
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

void Grouping::add_throttled(const capacity::Step& step) {
  for (const auto& [shard, records, bytes] : step) {
    recorder_.at(clock_.now()).shards[shard].throttled += {records, bytes, 1};
  }
}

}  // namespace shardlog::producing
