#include "shardlog/producing/reservations.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace shardlog::producing {

namespace {

using Watch = std::chrono::steady_clock;

enum class State { waiting_for_turn, waiting_for_capacity, reserved, failed };

/// What is needed of one shard, and how far that has come.
struct Part {
  capacity::Step step;
  State state = State::waiting_for_turn;
  bool had_to_wait = false;  ///< for capacity
  capacity::Slice slice{};
  Watch::time_point since{};  ///< of the state
  Watch::time_point due{};    ///< when the wait for the slice is over

  [[nodiscard]] ShardId shard() const { return step.front().shard; }
  [[nodiscard]] bool is_done() const { return state == State::reserved || state == State::failed; }
};

}  // namespace

/// One call of wait(). The mutex is held, except while it reserves.
class Reservations::Wait {
 public:
  Wait(Reservations& all, std::span<const capacity::ShardNeed> needs, const Reserve& reserve,
       std::optional<Duration> patience)
      : all_(all), guard_(all.mutex_), reserve_(reserve), patience_(patience) {
    for (const capacity::ShardNeed& need : needs) parts_.push_back({.step = {need}, .since = Watch::now()});
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    if (!guard_.owns_lock()) guard_.lock();
    for (Part& part : parts_) finish(part, State::failed);
  }

  std::vector<Reservation> run(const std::stop_token& stop) {
    while (true) {
      for (Part& part : parts_) move(part, stop.stop_requested());
      if (std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.is_done(); })) break;
      wait(stop);
    }
    std::vector<Reservation> all;
    for (const Part& part : parts_) {
      const bool is_reserved = part.state == State::reserved;
      all.push_back({is_reserved, part.had_to_wait || !is_reserved, part.slice});
    }
    return all;
  }

 private:
  void move(Part& part, bool is_stopped) {
    if (part.is_done()) return;
    if (is_stopped) return finish(part, State::failed);
    if (part.state == State::waiting_for_turn && all_.reserving_.insert(part.shard()).second) {
      part.state = State::waiting_for_capacity;
      part.since = part.due = Watch::now();
    }
    while (part.state == State::waiting_for_capacity && part.due <= Watch::now()) go_on(part);
    const auto end = part.state == State::waiting_for_capacity ? part.due : Watch::now();
    if (patience_ && !part.is_done() && end > part.since + *patience_) finish(part, State::failed);
  }

  /// The wait for the latest slice is over.
  void go_on(Part& part) {
    if (part.slice.steps > 0) return finish(part, State::reserved);
    guard_.unlock();
    part.slice = reserve_(part.step, part.slice.instalment);
    guard_.lock();
    part.due = Watch::now() + part.slice.wait;
    if (part.slice.wait > Duration(0)) part.had_to_wait = true;
  }

  void finish(Part& part, State state) {
    if (part.is_done()) return;
    if (part.state == State::waiting_for_capacity) {
      all_.reserving_.erase(part.shard());
      all_.changed_.notify_all();
    }
    part.state = state;
  }

  /// Until there is something to do.
  void wait(const std::stop_token& stop) {
    std::optional<Watch::time_point> until;
    for (const Part& part : parts_) {
      if (part.is_done()) continue;
      const bool has_turn = part.state == State::waiting_for_capacity;
      if (!has_turn && !patience_) continue;
      const auto end = has_turn ? part.due : part.since + *patience_;
      until = until ? std::min(*until, end) : end;
    }
    const auto has_turn_to_take = [this] {
      return std::any_of(parts_.begin(), parts_.end(), [this](const Part& part) {
        return part.state == State::waiting_for_turn && !all_.reserving_.contains(part.shard());
      });
    };
    if (until) {
      all_.changed_.wait_until(guard_, stop, *until, has_turn_to_take);
    } else {
      all_.changed_.wait(guard_, stop, has_turn_to_take);
    }
  }

  Reservations& all_;
  std::unique_lock<std::mutex> guard_;
  const Reserve& reserve_;
  const std::optional<Duration> patience_;
  std::vector<Part> parts_;
};

std::vector<Reservation> Reservations::wait(std::span<const capacity::ShardNeed> needs, const Reserve& reserve,
                                            const std::stop_token& stop, std::optional<Duration> patience) {
  return Wait(*this, needs, reserve, patience).run(stop);
}

}  // namespace shardlog::producing
