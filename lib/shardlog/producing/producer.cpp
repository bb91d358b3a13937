#include "shardlog/producing/producer.h"

#include <map>
#include <mutex>
#include <utility>

#include "shardlog/producing/allotment.h"
#include "shardlog/producing/covered.h"
#include "shardlog/producing/grouping.h"
#include "shardlog/producing/packer.h"
#include "shardlog/producing/reservations.h"
#include "shardlog/producing/writer.h"

namespace shardlog::producing {

namespace {

bool limits_writing(const capacity::Limits& limits) {
  return limits.write_records || limits.write_bytes;
}

/// The records of one caller, those that are refused and those that are packed.
class Input {
 public:
  explicit Input(std::unique_ptr<Packer> packer) : packer_(std::move(packer)) {}

  void add(const Record& record) { packer_->add(record); }
  void refuse(RecordNotStored reason) { packer_->leave_out(refuse_others(std::move(reason))); }

  /// Returns the index for the places of packed records that are refused later.
  std::uint32_t refuse_others(RecordNotStored reason) {
    refused_.emplace_back(std::move(reason));
    return static_cast<std::uint32_t>(refused_.size() - 1);
  }

  Packed take() {
    packer_->flush();
    return packer_->take();
  }

  std::unique_ptr<Packer> release() { return std::move(packer_); }

  [[nodiscard]] std::vector<RecordOutcome> outcomes(std::size_t records, const Call& call) const {
    std::vector<RecordOutcome> outcomes;
    outcomes.reserve(records);
    for (std::size_t i = 0; i < records; ++i) {
      const Place& place = call.written->packed.places[call.first_place + i];
      outcomes.push_back(place.batch == Place::not_packed ? refused_[place.index] : call.written->of(place));
    }
    return outcomes;
  }

 private:
  std::unique_ptr<Packer> packer_;
  std::vector<RecordOutcome> refused_;
};

/// Why a shard's records are not all stored.
RecordNotStored reason_of(const Reservation& reservation) {
  if (reservation.slice) return over_limit(throttled_by(*reservation.slice));
  const Error late = takes_too_long();
  return {late.code(), late.what()};
}

}  // namespace

/// Packs the records of each caller, and keeps to the limits.
class Producer::Parts {
 public:
  Parts(Stream& stream, const StreamDescription& description, const Clock& clock, Sync sync)
      : settings_(description.settings),
        clock_(clock),
        grouping_(stream, description, clock, sync),
        looked_at_(clock.elapsed()) {}

  std::vector<RecordOutcome> put(std::span<const Record> records, const Waiting& waiting) {
    const Duration since = clock_.elapsed();
    const capacity::Limits limits = current_limits(waiting);
    const bool is_limited = limits_writing(limits);
    Input input(borrow_packer());
    std::optional<Allotment> allotment;
    if (is_limited && waiting.patience) allotment.emplace(limits, *waiting.patience, grouping_.map());
    for (const Record& record : records) add(record, input, allotment);
    Call call{.packed = input.take(), .since = since};
    give_back(input.release());
    if (allotment) call.throttled = allotment->refused();
    if (is_limited) reserve(call, waiting, limits, input);
    grouping_.store(call, waiting);
    return input.outcomes(records.size(), call);
  }

  void tend() { grouping_.tend(); }

 private:
  using Until = Grouping::Until;

  static Until end_of(const Waiting& waiting) {
    return waiting.patience ? Until(Grouping::Watch::now() + *waiting.patience) : std::nullopt;
  }

  void add(const Record& record, Input& input, std::optional<Allotment>& allotment) const {
    try {
      check(record, settings_.max_record_size);
      const auto over = allotment ? allotment->take(record) : std::nullopt;
      if (over) {
        input.refuse(over_limit(*over));
      } else {
        input.add(record);
      }
    } catch (const Error& error) {
      input.refuse({error.code(), error.what()});
    }
  }

  std::unique_ptr<Packer> borrow_packer() {
    const auto map = grouping_.map();
    std::unique_lock guard(mutex_);
    if (packers_.empty()) {
      guard.unlock();
      return std::make_unique<Packer>(*map, settings_.compression, true, most_at_once(settings_));
    }
    std::unique_ptr<Packer> packer = std::move(packers_.back());
    packers_.pop_back();
    guard.unlock();
    if (packer->version() != map->version()) packer->use(*map);
    return packer;
  }

  void give_back(std::unique_ptr<Packer> packer) {
    const std::lock_guard guard(mutex_);
    packers_.push_back(std::move(packer));
  }

  /// The limits of a stream are as they were a second ago. Those of a stream without limits are not looked at: its
  /// Writer notices, because its records are refused.
  capacity::Limits current_limits(const Waiting& waiting) {
    constexpr Duration between_looks = std::chrono::seconds(1);
    const capacity::Limits known = grouping_.limits();
    if (!limits_writing(known)) return known;
    {
      const std::lock_guard guard(mutex_);
      if (clock_.elapsed() - looked_at_ < between_looks) return known;
      looked_at_ = clock_.elapsed();
    }
    grouping_.in_turn(end_of(waiting), [](Writer& writer) { writer.learn_limits(); });
    return grouping_.limits();
  }

  /// Waits for the capacity that the records need of each shard. Leaves out those for which there is none in time.
  void reserve(Call& call, const Waiting& waiting, const capacity::Limits& limits, Input& input) {
    if (grouping_.is_held_up(waiting)) throw takes_too_long();
    const Until until = end_of(waiting);
    const capacity::Step needs = deal(call.packed, until);
    const auto answer = [&](std::span<Reservations::Ask> asks) {
      return grouping_.in_turn(until, [&](Writer& writer) {
        for (auto& ask : asks) ask.slice = writer.reserve(ask.steps, ask.paid);
      });
    };
    const auto reservations = reservations_.wait(needs, answer, waiting.stop, until);
    std::map<ShardId, Cover> covers;
    for (std::size_t i = 0; i < needs.size(); ++i) {
      const Reservation& reservation = reservations[i];
      if (reservation.had_to_wait) call.throttled.push_back(needs[i]);
      if (reservation.is_reserved) continue;
      covers.emplace(needs[i].shard, Cover{reservation.paid, input.refuse_others(reason_of(reservation))});
    }
    keep_covered(call.packed, covers, price_of_writing(limits));
    call.is_reserved = true;
  }

  /// Returns what the records need. Only runs need the Writer.
  capacity::Step deal(Packed& packed, const Until& until) {
    if (packed.runs.empty()) return step_of(packed.batches);
    capacity::Step needs;
    if (!grouping_.in_turn(until, [&](Writer& writer) { needs = writer.deal(packed); })) throw takes_too_long();
    return needs;
  }

  const StreamSettings settings_;
  const Clock& clock_;
  Grouping grouping_;
  Reservations reservations_;

  std::mutex mutex_;
  // Guarded by the mutex.
  std::vector<std::unique_ptr<Packer>> packers_;  ///< not in use
  Duration looked_at_;                            ///< the limits
};

Producer::Producer(Stream& stream, const Clock& clock, Sync sync)
    : parts_(std::make_unique<Parts>(stream, stream.describe(), clock, sync)) {}

Producer::~Producer() = default;

std::vector<RecordOutcome> Producer::put(std::span<const Record> records, const std::stop_token& stop,
                                         std::optional<Duration> patience) {
  return parts_->put(records, {stop, patience});
}

void Producer::tend() {
  parts_->tend();
}

}  // namespace shardlog::producing
