#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "shardlog/capacity/writing.h"

/// Many producers that write into the shards of one stream, by the rules of writing.h. Time is simulated: every commit
/// takes 2 ms under one lock, and a sleeper wakes up to 1 ms late.
namespace shardlog::capacity::test {

constexpr double commit_time = 0.002;
constexpr double most_late = 0.001;
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr std::size_t shards = 4;
constexpr std::uint64_t mebibyte = 1UL << 20;

inline Need in_turn(std::size_t record, std::uint64_t bytes) {
  return {record % shards, bytes};
}

/// A program that stores records, and what became of them.
struct Producer {
  /// What it does when it is throttled: see writing.h. A sampler keeps half.
  enum class Way { block, sample, drop, fail };

  std::function<Need(std::size_t)> input = [](std::size_t record) { return in_turn(record, 100); };
  Way way = Way::block;
  double offered = infinite;  ///< records a second that it is given

  std::vector<Need> read{};  ///< and not stored yet
  std::size_t next = 0;      ///< record of the input
  double read_until = 0;     ///< the records that came until then are read
  Slice slice{};
  std::size_t leftover = 0;
  double wakes_at = 0;

  std::vector<double> stored_at{};  ///< the time of each record
  double stored_bytes = 0;
  std::size_t dropped = 0;
  std::size_t failures = 0;
  double longest_wait = 0;
};

class SimulatedWriters {
 public:
  SimulatedWriters(std::vector<Producer> producers, std::uint64_t seed, Limits limits = kinesis_limits())
      : producers_(std::move(producers)), price_(price_of_writing(limits)), random_(seed) {
    for (Producer& producer : producers_) producer.wakes_at = uniform(0.01);
  }

  void run_until(double end) {
    while (true) {
      const auto first =
          std::min_element(producers_.begin(), producers_.end(),
                           [](const Producer& one, const Producer& other) { return one.wakes_at < other.wakes_at; });
      if (first->wakes_at >= end) return;
      now_ = std::max(now_, first->wakes_at);
      act(*first);
    }
  }

  /// Splits each shard into two. Its records go to them in turn, those too that are reserved already.
  void split_all() {
    std::vector<Bucket> children;
    for (const Bucket& parent : buckets_) {
      children.insert(children.end(), 2, take_over(std::span(&parent, 1)));
    }
    change_shards(std::move(children), [](std::size_t shard, std::size_t record) { return 2 * shard + record % 2; });
  }

  /// Merges the shards in pairs.
  void merge_all() {
    std::vector<Bucket> children;
    const Moment now = moment();
    for (Bucket& bucket : buckets_) refill(bucket, now);
    for (std::size_t i = 0; i < buckets_.size(); i += 2)
      children.push_back(take_over(std::span(buckets_).subspan(i, 2)));
    change_shards(std::move(children), [](std::size_t shard, std::size_t /*record*/) { return shard / 2; });
  }

  /// Moves the clock that buckets are refilled by, and nothing else.
  void step_clock(double seconds) { clock_ahead_ += seconds; }

  void forget_waits() {
    for (Producer& producer : producers_) producer.longest_wait = 0;
  }

  [[nodiscard]] const std::vector<Producer>& producers() const { return producers_; }
  [[nodiscard]] std::size_t commits() const { return commits_; }

  /// Records stored from `begin` to `end`, by producer.
  [[nodiscard]] std::vector<double> stored(double begin, double end) const {
    std::vector<double> result;
    for (const Producer& producer : producers_) {
      const auto& times = producer.stored_at;
      result.push_back(static_cast<double>(std::lower_bound(times.begin(), times.end(), end) -
                                           std::lower_bound(times.begin(), times.end(), begin)));
    }
    return result;
  }

 private:
  using Way = Producer::Way;
  using Child = std::size_t(std::size_t shard, std::size_t record);

  void change_shards(std::vector<Bucket> buckets, Child* child) {
    buckets_ = std::move(buckets);
    for (Producer& producer : producers_) {
      for (std::size_t i = 0; i < producer.read.size(); ++i) {
        producer.read[i].shard = child(producer.read[i].shard, i / shards);
      }
      producer.input = [before = std::move(producer.input), child](std::size_t record) {
        Need need = before(record);
        need.shard = child(need.shard, record / shards);
        return need;
      };
    }
  }

  [[nodiscard]] Moment moment() const {
    return {"boot", Duration(static_cast<std::int64_t>((now_ + clock_ahead_) * 1e6))};
  }

  double uniform(double most) { return std::uniform_real_distribution(0.0, most)(random_); }

  /// What the producer does when it wakes up: it stores its slice, and reserves the next.
  void act(Producer& producer) {
    store(producer);
    if (producer.way == Way::fail && producer.leftover > 0) return fail(producer);
    read(producer);
    if (producer.read.empty()) {
      producer.wakes_at = now_ + 1 / producer.offered;
      return;
    }
    producer.slice = reserve(buckets_, price_, producer.read, producer.slice.instalment, moment());
    leave(producer);
    const double wait = std::chrono::duration<double>(producer.slice.wait).count();
    producer.longest_wait = std::max(producer.longest_wait, wait);
    producer.wakes_at = now_ + std::max(wait, commit_time) + uniform(most_late);
    now_ += commit_time;
    ++commits_;
  }

  void store(Producer& producer) {
    const auto end = producer.read.begin() + static_cast<std::ptrdiff_t>(producer.slice.steps);
    for (auto each = producer.read.begin(); each != end; ++each) {
      producer.stored_at.push_back(now_);
      producer.stored_bytes += static_cast<double>(each->bytes);
    }
    producer.read.erase(producer.read.begin(), end);
    producer.slice.steps = 0;
  }

  /// Whoever started it tries again after a second.
  void fail(Producer& producer) const {
    ++producer.failures;
    producer.read.clear();
    producer.slice = {};
    producer.leftover = 0;
    producer.wakes_at = now_ + 1;
    producer.read_until = now_ + 1;
  }

  void read(Producer& producer) {
    constexpr std::size_t most_read = 8000;
    if (producer.offered == infinite) {
      while (producer.read.size() < most_read) producer.read.push_back(producer.input(producer.next++));
      return;
    }
    const double thinned = producer.way == Way::sample && producer.slice.wait > Duration(0) ? 0.5 : 1;
    while (producer.read_until + 1 / producer.offered <= now_) {
      if (producer.read.size() == most_read) return;  // the pipe is full
      producer.read_until += 1 / producer.offered;
      if (uniform(1) < thinned) producer.read.push_back(producer.input(producer.next++));
    }
  }

  /// What becomes of what does not fit the slice.
  static void leave(Producer& producer) {
    const bool is_begun = producer.slice.instalment != Seconds{};
    const std::size_t kept = std::min(producer.read.size(), producer.slice.steps + (is_begun ? 1 : 0));
    producer.leftover = producer.read.size() - kept;
    if (producer.way != Way::drop) return;
    producer.dropped += producer.leftover;
    producer.read.resize(kept);
  }

  std::vector<Producer> producers_;
  Price price_;
  std::vector<Bucket> buckets_{shards};
  std::mt19937_64 random_;
  double now_ = 0;  ///< nobody holds the lock then
  double clock_ahead_ = 0;
  std::size_t commits_ = 0;
};

}  // namespace shardlog::capacity::test
