#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::append_all;

using namespace std::chrono_literals;

constexpr std::uint32_t shards = 4;

std::optional<LeaseOwner> any_owner() {
  return *rc::gen::element<std::optional<LeaseOwner>>(std::nullopt, LeaseOwner{"w1", "p1"}, LeaseOwner{"w2", "p2"});
}

/// Of few values, so that two that were made apart are often the same.
Lease any_lease(std::uint32_t shard) {
  Lease lease{.shard = ShardId(shard), .owner = any_owner()};
  lease.counter = *rc::gen::inRange<std::uint64_t>(0, 2);
  lease.checkpoint = *rc::gen::element<Checkpoint>(TrimHorizon{}, AfterSequence{SequenceNumber(3)}, ShardEnd{});
  return lease;
}

std::optional<Lease> lease_of(const Consumer& consumer, ShardId shard) {
  for (const Lease& lease : consumer.leases) {
    if (lease.shard == shard) return lease;
  }
  return std::nullopt;
}

/// What compare and set means, by the rules alone.
class Model {
 public:
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) {
    const std::string& name = expected ? expected->name : desired->name;
    if (find(name) != expected) return false;
    consumers_.erase(name);
    if (desired) consumers_.emplace(name, *desired);
    return true;
  }

  bool change(const std::string& uuid, const std::vector<LeaseChange>& changes) {
    for (auto& [name, consumer] : consumers_) {
      if (consumer.uuid != uuid) continue;
      std::map<ShardId, Lease> leases;
      for (const Lease& lease : consumer.leases) leases.emplace(lease.shard, lease);
      for (const auto& [expected, desired] : changes) {
        const ShardId shard = expected ? expected->shard : desired->shard;
        if (lease_of(consumer, shard) != expected) return false;
        leases.erase(shard);
        if (desired) leases.emplace(shard, *desired);
      }
      consumer.leases.clear();
      for (const auto& [shard, lease] : leases) consumer.leases.push_back(lease);
      return true;
    }
    return false;
  }

  [[nodiscard]] std::optional<Consumer> find(const std::string& name) const {
    const auto found = consumers_.find(name);
    return found == consumers_.end() ? std::nullopt : std::optional(found->second);
  }

  [[nodiscard]] std::vector<Consumer> all() const {
    std::vector<Consumer> result;
    for (const auto& [name, consumer] : consumers_) result.push_back(consumer);
    return result;
  }

 private:
  std::map<std::string, Consumer> consumers_;
};

/// A stream that two have opened, and the model beside it.
class Beside {
 public:
  Beside() {
    shardlog::create(path_, test::of_shards(shards), clock_);
    for (auto& stream : streams_) stream = shardlog::open(path_, {Access::write, 20s}, clock_);
  }

  Stream& any_stream() { return *streams_[*rc::gen::inRange<std::size_t>(0, streams_.size())]; }

  void replace_in_both() {
    const std::string name = *rc::gen::element<std::string>("a", "b");
    std::optional<Consumer> expected = guess(name);
    std::optional<Consumer> desired;
    if (!expected || *rc::gen::weightedElement<bool>({{3, true}, {1, false}})) {
      desired = Consumer{name,
                         fmt::format("00000000-0000-4000-8000-{:012}", ++made_),
                         *rc::gen::inRange<std::uint64_t>(1, 3),
                         clock_.now(),
                         {}};
      if (expected && *rc::gen::arbitrary<bool>()) desired->uuid = expected->uuid;
      for (std::uint32_t shard = 0; shard < shards; ++shard) {
        if (*rc::gen::arbitrary<bool>()) desired->leases.push_back(any_lease(shard));
      }
    }
    RC_ASSERT(any_stream().leases().replace(expected, desired) == model_.replace(expected, desired));
  }

  void change_in_both() {
    const std::vector<Consumer> all = model_.all();
    const std::string uuid = all.empty() ? "none" : (*rc::gen::elementOf(all)).uuid;
    std::vector<LeaseChange> changes;
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      if (*rc::gen::arbitrary<bool>()) continue;
      LeaseChange change{guess(uuid, ShardId(shard)), std::nullopt};
      if (!change.expected || *rc::gen::weightedElement<bool>({{3, true}, {1, false}}))
        change.desired = any_lease(shard);
      changes.push_back(change);
    }
    RC_ASSERT(any_stream().leases().change(uuid, changes) == model_.change(uuid, changes));
  }

  void look() {
    RC_ASSERT(any_stream().leases().all() == model_.all());
    for (const std::string name : {"a", "b"}) RC_ASSERT(any_stream().leases().find(name) == model_.find(name));
  }

  void verify() {
    RC_ASSERT(any_stream().maintenance().verify([](double) { return true; }).findings.empty());
  }

 private:
  /// Mostly what is there.
  std::optional<Consumer> guess(const std::string& name) {
    std::optional<Consumer> there = model_.find(name);
    const auto wrong = *rc::gen::weightedElement<int>({{9, 0}, {1, 1}, {1, 2}});
    if (wrong == 0) return there;
    if (!there || wrong == 1)
      return there ? std::nullopt
                   : std::optional(Consumer{.name = name, .uuid = "00000000-0000-4000-8000-ffffffffffff"});
    ++there->generation;
    return there;
  }

  std::optional<Lease> guess(const std::string& uuid, ShardId shard) {
    if (*rc::gen::weightedElement<bool>({{1, true}, {20, false}})) return any_lease(shard.number());
    for (const Consumer& consumer : model_.all()) {
      if (consumer.uuid == uuid) return lease_of(consumer, shard);
    }
    return std::nullopt;
  }

  test::TemporaryDirectory directory_ = test::TemporaryDirectory::without_disk();
  test::ManualClock clock_;
  std::string path_ = directory_.path() + "/orders";
  std::array<std::unique_ptr<Stream>, 2> streams_;
  Model model_;
  int made_ = 0;
};

RC_GTEST_PROP(ConsumersProperty, ChangeByCompareAndSet, ()) {
  Beside beside;
  const auto steps = *rc::gen::inRange(1, 30);
  for (int i = 0; i < steps; ++i) {
    if (*rc::gen::weightedElement<bool>({{1, true}, {2, false}})) {
      beside.replace_in_both();
    } else {
      beside.change_in_both();
    }
    beside.look();
  }
  beside.verify();
}

RC_GTEST_PROP(ProducersProperty, StoreEachRecordOnceHoweverManyRunsThereAre, ()) {
  const auto directory = test::TemporaryDirectory::without_disk();
  test::ManualClock clock;
  const std::string path = directory.path() + "/orders";
  shardlog::create(path, test::of_shards(1), clock);
  struct Run {
    std::unique_ptr<Stream> stream;
    std::map<std::string, std::optional<std::uint64_t>> at{};  ///< as the run believes
  };
  std::array<Run, 2> runs;
  for (Run& run : runs) run.stream = shardlog::open(path, {Access::write, 20s}, clock);
  std::map<std::string, std::vector<std::string>> stored;  // by source; a source's record n is "source n"
  const auto steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    Run& run = runs[*rc::gen::inRange<std::size_t>(0, runs.size())];
    const std::string source = *rc::gen::element<std::string>("", "s");
    auto& at = run.at[source];
    const std::uint64_t begin = at.value_or(0);
    const auto count = *rc::gen::inRange<std::uint64_t>(0, 3);
    std::vector<std::string> data;
    for (std::uint64_t n = 1; n <= count; ++n) data.push_back(source + " " + std::to_string(begin + n));
    std::vector<RoutedBatch> batches;
    if (!data.empty()) batches.push_back(test::batch_of(0, data));
    const ProducerMove move{
        {"p", source}, at ? std::optional(SequenceNumber(*at)) : std::nullopt, {SequenceNumber(begin + count)}};
    const bool up_to_date = at ? stored.contains(source) && stored[source].size() == *at : !stored.contains(source);
    bool fenced = false;
    try {
      append_all(*run.stream, batches, Sync::normal, {&move, 1});
      at = begin + count;
      auto& all = stored[source];
      all.insert(all.end(), data.begin(), data.end());
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ErrorCode::fenced);
      fenced = true;
      at.reset();  // a run that is refused looks where it is
      for (const Producer& each : run.stream->producers().of("p")) {
        if (each.id.source == source) at = std::stoull(each.position.sequence.to_string());
      }
    }
    RC_ASSERT(fenced != up_to_date);
  }
  std::map<std::string, std::vector<std::string>> read;
  for (const std::string& data : test::data_of(test::read(*runs[0].stream))) {
    read[data.substr(0, data.find(' '))].push_back(data);
  }
  std::erase_if(stored, [](const auto& each) { return each.second.empty(); });
  RC_ASSERT(read == stored);
}

}  // namespace
}  // namespace shardlog
