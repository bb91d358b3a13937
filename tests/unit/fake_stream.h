#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"
#include "unit/shards.h"

namespace shardlog::test {

/// What a stream in memory holds. Several FakeStreams on one are several processes; any thread may use it.
class FakeStore {
 public:
  struct Stored {
    ShardId shard;
    std::uint64_t first = 0;
    std::vector<std::string> data;
  };

  explicit FakeStore(std::uint32_t shards) : map(1, open_shards(even_ranges(shards))) {}

  /// Commits records of one shard. The sequence numbers of a child go on behind those of its parents.
  void put(std::uint32_t shard, const std::vector<std::string>& data) {
    const std::lock_guard guard(mutex);
    const std::uint64_t first = next(ShardId(shard));
    batches.push_back({ShardId(shard), first, data});
    ends[ShardId(shard)] = first + data.size();
    ++announced;
  }

  /// Removes what is before `sequence`.
  void trim(std::uint32_t shard, std::uint64_t sequence) {
    const std::lock_guard guard(mutex);
    horizon[ShardId(shard)] = sequence;
  }

  void reshard(const ReshardStep& step) {
    const std::lock_guard guard(mutex);
    map = apply(map, step, Timestamp());
    ++announced;
  }

  [[nodiscard]] std::uint64_t begin(ShardId shard) const {
    std::uint64_t first = 1;
    const Shard& row = *map.find(shard);
    if (row.parent) first = std::max(first, next(*row.parent));
    if (row.adjacent_parent) first = std::max(first, next(*row.adjacent_parent));
    return first;
  }
  [[nodiscard]] std::uint64_t next(ShardId shard) const {
    const auto end = ends.find(shard);
    return end == ends.end() ? begin(shard) : end->second;
  }
  [[nodiscard]] std::uint64_t readable(ShardId shard) const {
    const auto first = horizon.find(shard);
    return first == horizon.end() ? begin(shard) : std::max(begin(shard), first->second);
  }

  [[nodiscard]] std::uint64_t announcements() {
    const std::lock_guard guard(mutex);
    return announced;
  }
  /// Whether there was a commit since `seen`, which is brought up to date.
  bool wait(std::uint64_t& seen, Duration timeout, const std::stop_token& stop) {
    const Duration end = SystemClock().elapsed() + timeout;
    while (!stop.stop_requested() && SystemClock().elapsed() < end) {
      if (const std::uint64_t now = announcements(); now != seen) {
        seen = now;
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  std::mutex mutex;
  ShardMap map;
  std::vector<Stored> batches;
  std::map<ShardId, std::uint64_t> ends;
  std::map<ShardId, std::uint64_t> horizon;
  std::map<std::string, Consumer> consumers;
  std::uint64_t announced = 0;                                                 ///< commits that wake followers
  std::function<void(const Consumer& before, const Consumer& after)> changed;  ///< sees every change of leases
};

inline std::uint64_t number_of(const SequenceNumber& sequence) {
  return std::stoull(sequence.to_string());
}

class FakeReader final : public Reader {
 public:
  FakeReader(FakeStore& store, const ReadRequest& request) : store_(store), follow_(request.follow) {
    const std::lock_guard guard(store_.mutex);
    end_ = store_.batches.size();
    for (const ShardStart& start : request.starts) {
      std::uint64_t from = store_.readable(start.shard);
      if (const auto* at = std::get_if<AtSequence>(&start.from)) from = number_of(at->sequence);
      if (const auto* after = std::get_if<AfterSequence>(&start.from)) from = number_of(after->sequence) + 1;
      next_.emplace(start.shard, std::max(from, store_.begin(start.shard)));
    }
  }

  ReadResult next(std::size_t /*budget*/) override {
    const std::lock_guard guard(store_.mutex);
    seen_ = store_.announced;
    ReadResult result;
    for (auto& [shard, next] : next_) {
      const std::uint64_t readable = store_.readable(shard);
      if (next >= readable) continue;
      result.gaps.push_back({shard, SequenceNumber(next), SequenceNumber(readable - 1)});
      next = readable;
    }
    const std::size_t end = follow_ ? store_.batches.size() : end_;
    for (; place_ < end && result.batches.size() < 4; ++place_) add(store_.batches[place_], result);
    if (place_ < end) return result;
    bool all_closed = true;
    for (const auto& [shard, next] : next_) {
      const bool is_read = !store_.map.find(shard)->open() && next >= store_.next(shard);
      all_closed = all_closed && is_read;
      if (is_read && ended_.insert(shard).second) result.ended.push_back(shard);
    }
    result.at_end = !follow_ || all_closed;
    return result;
  }

  bool wait(Duration timeout, std::stop_token stop) override { return store_.wait(seen_, timeout, stop); }

 private:
  void add(const FakeStore::Stored& stored, ReadResult& result) {
    const auto place = next_.find(stored.shard);
    if (place == next_.end()) return;
    const std::uint64_t behind = stored.first + stored.data.size();
    const std::uint64_t from = std::max(stored.first, place->second);
    if (from >= behind) return;
    std::vector<Record> records;
    for (const std::string& data : stored.data) records.push_back({data, std::nullopt});
    result.batches.push_back({stored.shard, Arrivals(Timestamp()), SequenceRun::dense(stored.first, records.size()),
                              RecordBatch::decode(encode(records).payload), from - stored.first, behind - from});
    place->second = behind;
  }

  FakeStore& store_;
  bool follow_;
  std::uint64_t seen_ = 0;
  std::size_t place_ = 0;
  std::size_t end_ = 0;
  std::map<ShardId, std::uint64_t> next_;
  std::set<ShardId> ended_;
};

/// Knows that the process "here" is alive and all "gone..." are not, and nothing of any other.
class FakeLiveness final : public Liveness {
 public:
  std::string self() override { return "here"; }
  State state_of(const std::string& process) override {
    if (process == "here") return State::alive;
    return process.starts_with("gone") ? State::gone : State::unknown;
  }
  std::string describe(const std::string& process) override { return process == "here" ? "" : "on another host"; }
};

class FakeNotice final : public Notice {
 public:
  explicit FakeNotice(FakeStore& store) : store_(store), seen_(store.announcements()) {}

  bool wait(Duration timeout, const std::stop_token& stop) override { return store_.wait(seen_, timeout, stop); }

 private:
  FakeStore& store_;
  std::uint64_t seen_;
};

/// The leases of a FakeStore.
class FakeLeases final : public LeaseStore {
 public:
  explicit FakeLeases(FakeStore& store) : store_(store) {}

  std::function<void()> before_change;  ///< called before leases or a consumer change, for others to be faster

  std::optional<Consumer> find(const std::string& name) override {
    const std::lock_guard guard(store_.mutex);
    const auto found = store_.consumers.find(name);
    return found == store_.consumers.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<Consumer> all() override { return {}; }

  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override {
    if (before_change) before_change();
    const std::lock_guard guard(store_.mutex);
    const std::string& name = expected ? expected->name : desired->name;
    const auto found = store_.consumers.find(name);
    const auto there = found == store_.consumers.end() ? std::nullopt : std::optional(found->second);
    if (there != expected) return false;
    store_.consumers.erase(name);
    if (desired) store_.consumers.emplace(name, *desired);
    return true;
  }

  bool change(const std::string& uuid, std::span<const LeaseChange> changes) override {
    if (before_change) before_change();
    const std::lock_guard guard(store_.mutex);
    for (auto& [name, consumer] : store_.consumers) {
      if (consumer.uuid == uuid) return make(consumer, changes);
    }
    return false;
  }

 private:
  bool make(Consumer& consumer, std::span<const LeaseChange> changes) {
    std::map<ShardId, Lease> leases;
    for (const Lease& lease : consumer.leases) leases.emplace(lease.shard, lease);
    std::set<ShardId> seen;
    for (const auto& [expected, desired] : changes) {
      const ShardId shard = expected ? expected->shard : desired->shard;
      if (!seen.insert(shard).second) throw Error(ErrorCode::internal, "a lease is changed twice");
      const auto found = leases.find(shard);
      const auto there = found == leases.end() ? std::nullopt : std::optional(found->second);
      if (there != expected) return false;
      leases.erase(shard);
      if (desired) leases.emplace(shard, *desired);
      const bool is_progress =
          expected && desired && expected->owner == desired->owner && expected->claimant == desired->claimant;
      if (!is_progress) ++store_.announced;
    }
    const Consumer before = consumer;
    consumer.leases.clear();
    for (const auto& [shard, lease] : leases) consumer.leases.push_back(lease);
    if (store_.changed) store_.changed(before, consumer);
    return true;
  }

  FakeStore& store_;
};

/// What a process sees of a FakeStore: as much of Stream as consumers need.
class FakeStream final : public Stream {
 public:
  explicit FakeStream(FakeStore& store) : store_(store), fake_leases(store) {}

 private:
  FakeStore& store_;

 public:
  FakeLeases fake_leases;

  [[nodiscard]] const Capabilities& capabilities() const override {
    static constexpr Capabilities all{.engine = "fake"};
    return all;
  }
  StreamDescription describe() override {
    const std::lock_guard guard(store_.mutex);
    return {"uuid", 1, Timestamp(), {}, store_.map};
  }
  std::unique_ptr<Reader> read(const ReadRequest& request) override {
    return std::make_unique<FakeReader>(store_, request);
  }

  std::vector<ShardPlace> locate(const Position& position, const std::vector<ShardId>& shards) override {
    const std::lock_guard guard(store_.mutex);
    std::vector<ShardPlace> places;
    for (const Shard& shard : store_.map.shards()) {
      if (!shards.empty() && std::find(shards.begin(), shards.end(), shard.id) == shards.end()) continue;
      std::uint64_t next = store_.readable(shard.id);
      if (std::holds_alternative<Latest>(position)) next = store_.next(shard.id);
      if (const auto* at = std::get_if<AtSequence>(&position)) next = std::max(next, number_of(at->sequence));
      if (const auto* after = std::get_if<AfterSequence>(&position)) {
        next = std::max(next, number_of(after->sequence) + 1);
      }
      places.push_back({shard.id, SequenceNumber(next), !shard.open() && next >= store_.next(shard.id)});
    }
    if (!shards.empty() && places.size() != shards.size()) throw Error(ErrorCode::not_found, "no such shard");
    return places;
  }

  std::unique_ptr<Notice> notice() override { return std::make_unique<FakeNotice>(store_); }
  LeaseStore& leases() override { return fake_leases; }
  Liveness& liveness() override { return liveness_; }

  std::vector<Outcome> append(const AppendRequest& /*request*/) override { unused(); }
  void make_durable() override { unused(); }
  Resharding& resharding() override { unused(); }
  ProducerStore& producers() override { unused(); }
  Maintenance& maintenance() override { unused(); }

 private:
  [[noreturn]] static void unused() { throw Error(ErrorCode::internal, "not part of this stream"); }

  FakeLiveness liveness_;
};

}  // namespace shardlog::test
