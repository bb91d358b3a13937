#include "shardlog/producing/reservations.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <utility>

namespace shardlog::producing {

namespace {

using capacity::Seconds;
using capacity::ShardNeed;
using Watch = Reservations::Watch;
using Until = Reservations::Until;

/// A caller that sleeps until it is woken.
class Sleeper {
 public:
  void wake() {
    is_woken_ = true;
    woken_.notify_one();
  }

  void sleep(std::unique_lock<std::mutex>& guard, const std::stop_token& stop, const Until& until) {
    const auto is_woken = [this] { return is_woken_; };
    if (until) {
      woken_.wait_until(guard, stop, *until, is_woken);
    } else {
      woken_.wait(guard, stop, is_woken);
    }
    is_woken_ = false;
  }

 private:
  std::condition_variable_any woken_;
  bool is_woken_ = false;
};

/// What a caller needs of one shard, and how far that has come.
struct Part {
  ShardNeed need;
  Sleeper& caller;
  Until until;
  Reservation result{};
  bool is_done = false;
  std::size_t step = 0;  ///< while it is asked for: its place in the ask
  // While it waits for a slice that it has a part of:
  bool is_earning = false;
  bool is_covered = false;  ///< what it still needs is in the slice
  Seconds after{};          ///< otherwise: what is paid then

  [[nodiscard]] bool ends_before(Watch::time_point time) const { return until && *until < time; }

  /// The caller then takes it out of its line.
  void finish(bool is_reserved) {
    result.is_reserved = is_reserved;
    is_done = true;
    is_earning = false;
    caller.wake();
  }
};

using Parts = std::list<Part*>;

}  // namespace

/// Parts only move from one list to the other, for which no memory is needed: what was reserved cannot be forgotten.
struct Reservations::Line {
  Parts waiting;
  Parts asked;              ///< for these a caller is asking the shard
  Parts earning;            ///< those that share the latest slice
  bool is_asked = false;    ///< also if all those have gone
  Watch::time_point due{};  ///< when the wait for the latest slice is over
  capacity::Slice latest{};

  [[nodiscard]] bool is_empty() const { return waiting.empty() && earning.empty() && !is_asked; }
  [[nodiscard]] bool can_be_asked(Watch::time_point now) const { return !is_asked && !waiting.empty() && due <= now; }

  void wake_front() const {
    if (!waiting.empty()) waiting.front()->caller.wake();
  }

  void enter(Part& part) {
    waiting.push_back(&part);
    if (due <= Watch::now()) return;
    part.result.had_to_wait = true;
    part.result.slice = latest;
  }

  void remove(Part& part) {
    for (Parts* const each : {&waiting, &asked, &earning}) each->remove(&part);
    wake_front();
  }

  /// The wait for the latest slice may be over.
  void settle(Watch::time_point now) {
    if (due > now) return;
    for (Part* const part : earning) {
      part->is_earning = false;
      if (!part->is_covered) part->result.paid = part->after;
      if (part->is_covered || part->ends_before(now + latest.wait)) part->finish(part->is_covered);
    }
    earning.remove_if([](const Part* part) { return part->is_done; });
    waiting.splice(waiting.begin(), earning);
  }

  void ask_for(Ask& ask) {
    for (Part* const part : waiting) {
      part->step = ask.steps.size();
      ask.steps.push_back({part->need});
    }
    ask.paid = waiting.front()->result.paid;
    asked.splice(asked.end(), waiting);
    is_asked = true;
  }

  /// The answer to an ask: a slice, unless nothing was reserved.
  void answer(const capacity::Slice* slice, Watch::time_point now) {
    is_asked = false;
    if (slice != nullptr) share(*slice, now);
    waiting.splice(waiting.begin(), asked);
    settle(now);
  }

  void share(const capacity::Slice& slice, Watch::time_point now) {
    due = now + slice.wait;
    latest = slice;
    for (Part* const part : asked) {
      part->is_earning = part->step <= slice.steps;
      part->is_covered = part->step < slice.steps;
      part->after = slice.instalment;
      part->result.slice = slice;
      if (!part->is_covered || slice.wait > Duration(0)) part->result.had_to_wait = true;
      // A part whose time is over before the slice is earned gets nothing of it.
      if (part->is_earning && part->ends_before(due)) part->finish(false);
      if (part->is_earning) part->caller.wake();  // there is something to do at another time than it thought
    }
    asked.remove_if([](const Part* part) { return part->is_done; });
    const auto rest = std::find_if(asked.begin(), asked.end(), [](const Part* part) { return !part->is_earning; });
    earning.splice(earning.end(), asked, asked.begin(), rest);
  }
};

/// Asks for those lines that can be asked, without holding the mutex meanwhile.
class Reservations::Round {
 public:
  Round(Reservations& all, std::unique_lock<std::mutex>& guard) : all_(all), guard_(guard) { all_.is_asking_ = true; }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;
  ~Round() {
    if (!guard_.owns_lock()) guard_.lock();
    all_.is_asking_ = false;
    const auto now = Watch::now();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      const auto line = all_.lines_.find(shards_[i]);
      line->second.answer(is_answered_ ? &asks_[i].slice : nullptr, now);
      if (line->second.is_empty()) all_.lines_.erase(line);
    }
    for (const auto& [shard, line] : all_.lines_) line.wake_front();
  }

  void run(const Reserve& reserve) {
    const auto now = Watch::now();
    asks_.reserve(all_.lines_.size());
    shards_.reserve(all_.lines_.size());
    for (auto& [shard, line] : all_.lines_) {
      line.settle(now);
      if (!line.can_be_asked(now)) continue;
      Ask ask;
      line.ask_for(ask);
      asks_.push_back(std::move(ask));
      shards_.push_back(shard);
    }
    guard_.unlock();
    is_answered_ = reserve(asks_);
    guard_.lock();
  }

 private:
  Reservations& all_;
  std::unique_lock<std::mutex>& guard_;
  std::vector<ShardId> shards_;  ///< of the asks
  std::vector<Ask> asks_;
  bool is_answered_ = false;
};

/// One call of wait(). The mutex is held, except while it asks or sleeps.
class Reservations::Wait {
 public:
  Wait(Reservations& all, std::span<const ShardNeed> needs, Until until)
      : all_(all), guard_(all.mutex_), until_(until) {
    parts_.reserve(needs.size());
    for (const ShardNeed& need : needs) parts_.push_back({.need = need, .caller = sleeper_, .until = until});
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    if (!guard_.owns_lock()) guard_.lock();
    for (Part& part : parts_) leave(part);
  }

  std::vector<Reservation> run(const Reserve& reserve, const std::stop_token& stop) {
    for (Part& part : parts_) all_.lines_[part.need.shard].enter(part);
    while (!is_done()) {
      const auto now = Watch::now();
      for (const Part& part : parts_) settle(part, now);
      if (is_done() || stop.stop_requested() || (until_ && *until_ <= now)) break;
      if (can_ask(now)) {
        Round(all_, guard_).run(reserve);
      } else {
        sleeper_.sleep(guard_, stop, next_event());
      }
    }
    std::vector<Reservation> results;
    results.reserve(parts_.size());
    for (const Part& part : parts_) results.push_back(part.result);
    return results;
  }

 private:
  [[nodiscard]] bool is_done() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.is_done; });
  }

  void settle(const Part& part, Watch::time_point now) {
    if (!part.is_done) all_.lines_.at(part.need.shard).settle(now);
  }

  /// Whether one of its own shards can be asked. The lines of other callers are then asked in the same round.
  [[nodiscard]] bool can_ask(Watch::time_point now) const {
    return !all_.is_asking_ && std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
      return !part.is_done && all_.lines_.at(part.need.shard).can_be_asked(now);
    });
  }

  /// When there is something to do, unless somebody wakes this caller sooner.
  [[nodiscard]] Until next_event() const {
    Until next = until_;
    for (const Part& part : parts_) {
      if (part.is_done) continue;
      const Line& line = all_.lines_.at(part.need.shard);
      const bool is_front = !line.waiting.empty() && line.waiting.front() == &part;
      if (part.is_earning || (is_front && !all_.is_asking_)) next = next ? std::min(*next, line.due) : line.due;
    }
    return next;
  }

  void leave(Part& part) {
    const auto line = all_.lines_.find(part.need.shard);
    if (line == all_.lines_.end()) return;
    line->second.remove(part);
    if (line->second.is_empty()) all_.lines_.erase(line);
  }

  Reservations& all_;
  std::unique_lock<std::mutex> guard_;
  const Until until_;
  Sleeper sleeper_;
  std::vector<Part> parts_;
};

Reservations::Reservations() = default;
Reservations::~Reservations() = default;

std::vector<Reservation> Reservations::wait(std::span<const ShardNeed> needs, const Reserve& reserve,
                                            const std::stop_token& stop, Until until) {
  return Wait(*this, needs, until).run(reserve, stop);
}

}  // namespace shardlog::producing
