#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/lease_keeper.h"
#include "shardlog/reshard/plan.h"
#include "support/manual_clock.h"
#include "support/memory_engine.h"

namespace shardlog::consuming {
namespace {

using namespace std::chrono_literals;

constexpr Duration duration = 3s;

/// Looks at every change of the leases.
class Watcher {
 public:
  void see(const Consumer& before, const Consumer& after) {
    for (const Lease& lease : after.leases) {
      const auto old = std::find_if(before.leases.begin(), before.leases.end(),
                                    [&](const Lease& each) { return each.shard == lease.shard; });
      if (old != before.leases.end()) {
        RC_ASSERT(lease.epoch >= old->epoch);
        const bool went_back = later(lease.checkpoint, old->checkpoint) != lease.checkpoint;
        RC_ASSERT(lease.generation > old->generation || !went_back);
      }
      RC_ASSERT(lease.epoch >= epochs_[lease.shard]);
      epochs_[lease.shard] = lease.epoch;
      if (!lease.owner) continue;
      const auto [owner, is_new] = owners_.emplace(std::pair(lease.shard, lease.epoch), lease.owner->worker);
      RC_ASSERT(owner->second == lease.owner->worker);
    }
  }

 private:
  std::map<ShardId, std::uint64_t> epochs_;
  std::map<std::pair<ShardId, std::uint64_t>, std::string> owners_;
};

/// A worker that the test steps.
class Worker {
 public:
  Worker(test::MemoryStore& store, const Clock& clock, const std::string& name)
      : store_(store), stream_(store), keeper_(stream_, clock, {"billing", {name, "elsewhere", duration}, true}) {}

  /// What a worker does in turn. False where it was fenced: then it ends.
  bool step() {
    return unless_fenced([this] {
      keeper_.tend();
      read();
      keeper_.honour_claims();
    });
  }
  /// False: it ends.
  bool leave() {
    unless_fenced([this] { keeper_.release(); });
    return false;
  }

  test::MemoryStream& stream() { return stream_; }
  [[nodiscard]] Duration until_due() const { return keeper_.until_due(); }

 private:
  template <typename Work>
  static bool unless_fenced(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ErrorCode::fenced);
      return false;
    }
    return true;
  }

  /// Deals with a record of each shard that it holds. Where there is none and the shard is closed, that is done.
  void read() {
    std::vector<ShardId> done;
    for (const auto& [shard, held] : keeper_.held()) {
      if (held.claimed()) continue;
      std::uint64_t next = store_.shard(shard).begin;
      if (const auto* after = std::get_if<AfterSequence>(&held.reached)) next = test::number_of(after->sequence) + 1;
      if (next < store_.shard(shard).next) {
        keeper_.delivering(shard, SequenceNumber(next));
        keeper_.processed({shard, SequenceNumber(next)});
      } else if (!store_.map().find(shard)->open()) {
        done.push_back(shard);
      }
    }
    keeper_.commit();
    for (const ShardId shard : done) {
      if (keeper_.held().contains(shard)) keeper_.finish(shard);
    }
  }

  test::MemoryStore& store_;
  test::MemoryStream stream_;
  LeaseKeeper keeper_;
};

/// Workers of one consumer, and all that may happen to them.
class World {
 public:
  World() : store_(*rc::gen::inRange<std::uint32_t>(1, 9)) {
    clock_.freeze();
    make_consumer(outside_, "billing", TrimHorizon{}, clock_);
    store_.on_leases = [this](const Consumer& before, const Consumer& after) { watcher_.see(before, after); };
  }

  void anything() {
    enum class What { begin, step, kill, leave, put, reshard, time };
    const auto what = *rc::gen::weightedElement<What>({{2, What::begin},
                                                       {12, What::step},
                                                       {1, What::kill},
                                                       {1, What::leave},
                                                       {2, What::put},
                                                       {1, What::reshard},
                                                       {8, What::time}});
    switch (what) {
      case What::begin:
        return begin();
      case What::put:
        return put();
      case What::reshard:
        return reshard();
      case What::time:
        clock_.let_pass(*rc::gen::element<Duration>(duration / 10, duration / 3, duration, 3 * duration));
        clock_.step(*rc::gen::element<Duration>(-1h, 0s, 1h));
        return;
      default:
        break;
    }
    const auto name = any_worker_that_waits();
    if (!name) return;
    if (what == What::kill || !step(*name, what == What::leave)) workers_.erase(*name);
  }

  /// From now on nothing happens but that all workers do what they do.
  void calm_down() { is_calm_ = true; }

  void begin() {
    const std::string name = "w" + std::to_string(named_++);
    auto& worker = workers_[name];
    worker = std::make_unique<Worker>(store_, clock_, name);
    // Between what it reads and what it writes anything may happen.
    worker->stream().leases().before_change = [this] {
      if (!is_calm_ && busy_.size() < 3 && *rc::gen::weightedElement<bool>({{1, true}, {5, false}})) anything();
    };
  }

  /// All in turn, and then time passes until the first of them is due.
  void round() {
    std::vector<std::string> names;
    for (const auto& [name, worker] : workers_) names.push_back(name);
    Duration time = duration / 30;
    for (const std::string& name : names) {
      if (!step(name)) {
        workers_.erase(name);
      } else {
        time = std::min(time, std::max(workers_.at(name)->until_due(), Duration(1ms)));
      }
    }
    clock_.let_pass(time);
  }

  [[nodiscard]] Duration time() const { return clock_.elapsed(); }
  [[nodiscard]] std::vector<Lease> leases() { return outside_.leases().find("billing").value().leases; }
  [[nodiscard]] bool is_open(ShardId shard) { return store_.map().find(shard)->open(); }

  [[nodiscard]] bool all_owned() {
    const auto all = leases();
    return std::all_of(all.begin(), all.end(), [this](const Lease& lease) {
      const bool is_done = std::holds_alternative<ShardEnd>(lease.checkpoint);
      return is_done || (lease.owner && workers_.contains(lease.owner->worker));
    });
  }

  [[nodiscard]] std::map<std::string, int> loads() {
    std::map<std::string, int> result;
    for (const auto& [name, worker] : workers_) result[name] = 0;
    for (const Lease& lease : leases()) {
      if (is_open(lease.shard) && lease.owner) ++result[lease.owner->worker];
    }
    return result;
  }

 private:
  bool step(const std::string& name, bool is_last = false) {
    busy_.insert(name);
    Worker& worker = *workers_.at(name);
    const bool goes_on = is_last ? worker.leave() : worker.step();
    busy_.erase(name);
    return goes_on;
  }

  std::optional<std::string> any_worker_that_waits() {
    std::vector<std::string> names;
    for (const auto& [name, worker] : workers_) {
      if (!busy_.contains(name)) names.push_back(name);
    }
    if (names.empty()) return std::nullopt;
    return names[*rc::gen::inRange<std::size_t>(0, names.size())];
  }

  void put() {
    const auto open = store_.map().open_shards();
    store_.put(open[*rc::gen::inRange<std::size_t>(0, open.size())].number(), {"a", "b"});
  }

  void reshard() {
    const ShardMap map = store_.map();
    if (map.shards().size() > 30) return;
    const auto& open = map.open_shards();
    const auto place = *rc::gen::inRange<std::size_t>(0, open.size());
    const bool merging = *rc::gen::arbitrary<bool>() && place + 1 < open.size();
    const auto plan = merging ? reshard::merge(map, open[place], open[place + 1], {})
                              : reshard::split(map, open[place], std::nullopt, {});
    store_.reshard(plan[0].step);
  }

  test::MemoryStore store_;
  test::MemoryStream outside_{store_};
  test::ManualClock clock_;
  Watcher watcher_;
  std::map<std::string, std::unique_ptr<Worker>> workers_;
  std::set<std::string> busy_;  // in the middle of a step
  int named_ = 0;
  bool is_calm_ = false;
};

TEST(Leases, HaveOneOwnerInEachEpochWhateverHappens) {
  EXPECT_TRUE(rc::check("one owner in each epoch whatever happens", [] {
    World world;
    const int steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) world.anything();

    world.calm_down();
    world.begin();
    const Duration end = world.time() + 2 * duration;
    while (world.time() < end) world.round();
    RC_ASSERT(world.all_owned());

    // What is closed is read to its end, and what is open shared evenly.
    for (int i = 0; i < 400; ++i) world.round();
    for (const Lease& lease : world.leases()) RC_ASSERT(world.is_open(lease.shard));
    const auto loads = world.loads();
    const auto [least, most] = std::minmax_element(loads.begin(), loads.end(),
                                                   [](const auto& a, const auto& b) { return a.second < b.second; });
    RC_ASSERT(most->second - least->second <= 1);
  }));
}

}  // namespace
}  // namespace shardlog::consuming
