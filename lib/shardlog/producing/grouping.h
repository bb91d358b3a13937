#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "shardlog/metrics/recorder.h"
#include "shardlog/producing/writer.h"

namespace shardlog::producing {

/// How long a caller waits for others, and what ends its wait for capacity and room.
struct Waiting {
  const std::stop_token& stop;
  std::optional<Duration> patience;
};

/// That the records before a caller's take longer than its patience.
Error takes_too_long();

/// The records of one caller, and what became of them.
struct Call {
  Packed packed;
  Duration since{0};           ///< when it began
  bool is_reserved = false;    ///< the records were dealt, and have their capacity
  capacity::Step throttled{};  ///< what had to wait for capacity, or found none
  // Once it is stored:
  std::shared_ptr<const Written> written{};  ///< shared by all calls of a commit
  std::size_t first_place = 0;               ///< of the call's records in it
  std::exception_ptr failure{};
  bool done = false;
};

/// Stores the records of callers that come at the same time in common commits. One caller at a time leads: it uses the
/// stream. Measures what is stored. For any number of threads.
class Grouping {
 public:
  using Watch = std::chrono::steady_clock;
  using Until = std::optional<Watch::time_point>;

  /// As of Producer.
  Grouping(Stream& stream, const StreamDescription& description, const Clock& clock, Sync sync);
  ~Grouping();
  Grouping(const Grouping&) = delete;
  Grouping& operator=(const Grouping&) = delete;

  /// What is known of the stream now.
  [[nodiscard]] std::shared_ptr<const ShardMap> map() const;
  [[nodiscard]] capacity::Limits limits() const;

  /// Does `work` as a caller that leads. False if others lead until then: nothing was done.
  bool in_turn(const Until& until, const std::function<void(Writer&)>& work);

  /// Returns once the records are stored or never will be. Throws as Producer::put().
  void store(Call& call, const Waiting& waiting);

  /// Whether the caller that leads has done so for that long: it is pointless to wait for it.
  [[nodiscard]] bool is_held_up(const Waiting& waiting) const;

  /// As Producer::tend().
  void tend();

 private:
  /// How many callers share a commit. A commit that hangs holds all of them until it ends, so a server with more
  /// threads than this can still answer others.
  static constexpr std::size_t most_calls = 32;

  class Leading;
  struct Timed;

  [[nodiscard]] bool is_held_up_locked(const Waiting& waiting) const;
  void wait_for_turn(std::unique_lock<std::mutex>& guard, const Call& call, const Until& until);
  void lead(std::unique_lock<std::mutex>& guard, const Waiting& waiting);
  std::size_t take(std::span<Call*> taken);
  std::shared_ptr<const Written> store_together(std::span<Call* const> calls, const Waiting& waiting);
  Written store_all(Packed all, bool is_reserved, const std::stop_token& stop);
  void measure(std::span<const Timed> calls, const Written& written, Duration stored_at) noexcept;
  void add_throttled(const capacity::Step& step);

  const Clock& clock_;
  const bool is_bounded_;
  // Used only by the caller that leads.
  metrics::Recorder recorder_;
  Writer writer_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  std::shared_ptr<const ShardMap> map_;
  capacity::Limits limits_;
  std::vector<Call*> waiting_;
  bool led_ = false;  ///< a caller leads
  Watch::time_point led_since_;
};

}  // namespace shardlog::producing
