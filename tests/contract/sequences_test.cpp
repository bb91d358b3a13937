// What others will be built of the seam, each operation as the calls that it takes: a server of the Kinesis API, and an
// engine whose commits are of one shard. On an engine that promises as little as the seam allows.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/frontier.h"
#include "shardlog/core/uuid.h"
#include "shardlog/producing/packer.h"
#include "shardlog/producing/producer.h"
#include "shardlog/producing/writer.h"
#include "shardlog/reshard/plan.h"
#include "support/memory_engine.h"
#include "support/refusal.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using producing::RecordStored;
using test::refusal;
using Lines = std::vector<std::string>;

class Sequences : public testing::Test {
 protected:
  Sequences() {
    engine_.create("orders", test::of_shards(2), clock_);
    stream_ = open();
  }

  std::unique_ptr<Stream> open(Access access = Access::write) { return engine_.open("orders", {access}, clock_); }
  Lines data(const std::vector<ShardId>& shards = {}) {
    return test::data_of(test::read(*stream_, {.shards = shards}));
  }
  /// SplitShard, MergeShards and UpdateShardCount: plan, apply step by step, plan again where somebody was faster.
  template <typename Planner>
  void reshard(const Planner& plan) {
    while (true) {
      ShardMap map = stream_->describe().map;
      bool applied = true;
      for (const auto& planned : plan(map)) {
        const auto version = stream_->resharding().apply(planned.step, map.version());
        applied = version.has_value();
        if (!applied) break;
        map = stream_->describe().map;
      }
      if (applied) return;
    }
  }
  void update(const SettingsChange& change) { stream_->maintenance().update(change); }

  test::ManualClock clock_;
  test::MemoryEngine engine_{test::unlike_sqlite()};
  std::unique_ptr<Stream> stream_;
};

/// A server of the Kinesis API.
using Server = Sequences;

TEST_F(Server, PutRecordsOfManyConnectionsShareCommits) {
  constexpr int connections = 6;
  test::MemoryEngine engine;
  engine.create("logs", {}, clock_);
  const auto store = engine.store("logs");
  const auto stream = engine.open("logs", {Access::write}, clock_);
  producing::Producer producer(*stream, clock_);
  std::atomic<int> begun = 0;
  store->on_append = [&](const RoutedBatch& /*batch*/) -> std::optional<Outcome> {
    while (begun < connections) std::this_thread::yield();  // the others come meanwhile
    return std::nullopt;
  };
  std::size_t rounds = 0;
  // Whether the others wait already is nothing that can be seen, so a round may not share any.
  EXPECT_TRUE(test::wait_until([&] {
    begun = 0;
    ++rounds;
    const std::uint64_t before = store->announcements();
    std::vector<std::jthread> callers;
    for (int i = 0; i < connections; ++i) {
      callers.emplace_back([&] {
        ++begun;
        const std::vector<Record> records{{"a", "key"}, {"b", "key"}};
        for (const auto& outcome : producer.put(records)) EXPECT_TRUE(std::holds_alternative<RecordStored>(outcome));
      });
    }
    callers.clear();
    return store->announcements() - before < connections;
  }));
  EXPECT_EQ(test::read(*stream).size(), rounds * connections * 2);
}

/// What a shard iterator holds, as text that a client brings back.
std::string iterator_of(const std::string& uuid, ShardId shard, const Checkpoint& at) {
  return uuid + " " + shard.to_string() + " " + to_string(at);
}

struct Iterator {
  std::string uuid;
  ShardStart start;
};

Iterator parse_iterator(const std::string& text) {
  const std::size_t first = text.find(' ');
  const std::size_t second = text.find(' ', first + 1);
  const auto shard = ShardId::parse(text.substr(first + 1, second - first - 1)).value();
  const auto at = parse_checkpoint(text.substr(second + 1)).value();
  return {text.substr(0, first), consuming::start_at(shard, at).value()};
}

/// GetRecords: a page of at most so many records, and where the next one begins.
struct Page {
  Lines records;
  std::optional<std::string> next;
  std::vector<ShardId> children{};
};

Page get_records(Stream& stream, const std::string& iterator, std::size_t limit) {
  const auto [uuid, start] = parse_iterator(iterator);
  if (uuid != stream.describe().uuid) throw Error(ErrorCode::not_found, "iterator: of another stream");
  const auto reader = stream.read({.starts = {start}});
  ReadResult result = reader->next(1);
  Page page{{}, iterator};
  bool is_whole = true;
  for (const StoredBatch& batch : result.batches) {
    std::size_t place = 0;
    for (const Record& record : batch.records) {
      const std::size_t at = place++;
      if (at < batch.first || at >= batch.first + batch.count) continue;
      is_whole = page.records.size() < limit;
      if (!is_whole) break;
      page.records.emplace_back(record.data);
      page.next = iterator_of(uuid, start.shard, AfterSequence{batch.sequences[at]});
    }
  }
  if (is_whole && std::find(result.ended.begin(), result.ended.end(), start.shard) != result.ended.end()) {
    page.next = std::nullopt;
    for (const Shard& child : stream.describe().map.children_of(start.shard)) page.children.push_back(child.id);
  }
  return page;
}

TEST_F(Server, GetRecordsOfAPageFromTheMiddleKeepsNothingBetweenCalls) {
  const RoutedBatch batch = test::batch_of(0, {"a", "b", "c", "d", "e"});
  stream_->append({{&batch, 1}});
  std::string iterator = iterator_of(stream_->describe().uuid, ShardId(0), TrimHorizon{});
  Page page = get_records(*open(Access::read), iterator, 2);
  EXPECT_EQ(page.records, (Lines{"a", "b"}));
  page = get_records(*open(Access::read), *page.next, 2);
  EXPECT_EQ(page.records, (Lines{"c", "d"}));
  test::split(*stream_, 0);
  page = get_records(*open(Access::read), *page.next, 2);
  EXPECT_EQ(page.records, Lines{"e"});
  EXPECT_EQ(page.next, std::nullopt) << "closed, and read to its end";
  EXPECT_EQ(page.children, (std::vector{ShardId(2), ShardId(3)}));
}

TEST_F(Server, GetShardIteratorPinsWhatItCan) {
  clock_.step(1min);
  const RoutedBatch batch = test::batch_of(0, {"a", "b"});
  const auto outcomes = stream_->append({{&batch, 1}});
  const auto& stored = std::get<Stored>(outcomes.at(0));
  const auto pinned = [&](const Position& position) -> Checkpoint {
    const LocatedStart place = stream_->locate(position, {ShardId(0)}).at(0);
    if (place.next) return AtSequence{*place.next, place.not_before};
    if (const auto* const at = std::get_if<AtTime>(&position)) return *at;
    return Latest{};
  };
  EXPECT_EQ(pinned(AtTime{clock_.now() - 30s}), Checkpoint(AtSequence{stored.sequences[0]}));
  EXPECT_EQ(pinned(AtTime{clock_.now() + 30s}), Checkpoint(AtTime{clock_.now() + 30s}));
  EXPECT_EQ(pinned(Latest{}), Checkpoint(Latest{}));
  const std::string uuid = stream_->describe().uuid;
  EXPECT_EQ(get_records(*stream_, iterator_of(uuid, ShardId(0), pinned(AtTime{clock_.now() - 30s})), 9).records,
            (Lines{"a", "b"}));
  EXPECT_EQ(get_records(*stream_, iterator_of(uuid, ShardId(0), pinned(AfterSequence{stored.sequences[0]})), 9).records,
            Lines{"b"});
}

TEST_F(Server, GetRecordsOfAStreamThatWasMadeAnewIsNotFound) {
  const std::string iterator = iterator_of(stream_->describe().uuid, ShardId(0), TrimHorizon{});
  engine_.remove("orders", {Access::write}, clock_);
  engine_.create("orders", {}, clock_);
  EXPECT_EQ(refusal([&] { get_records(*open(), iterator, 1); }), ErrorCode::not_found);
}

std::vector<std::uint32_t> numbers_of(const std::vector<Shard>& shards,
                                      const std::function<bool(const Shard&)>& wanted) {
  std::vector<std::uint32_t> numbers;
  for (const Shard& shard : shards) {
    if (wanted(shard)) numbers.push_back(shard.id.number());
  }
  return numbers;
}

TEST_F(Server, ListShardsHasSixFilters) {
  clock_.step(1h);
  test::split(*stream_, 0);
  clock_.step(1h);
  test::split(*stream_, 2);
  update({.retention = 90min});
  clock_.step(1h);
  const StreamDescription described = stream_->describe();
  const auto& shards = described.map.shards();
  const Timestamp horizon = expiry(described.settings.retention, clock_.now()).value();
  const auto is_open_at = [](const Shard& shard, Timestamp time) {
    return shard.opened_at <= time && (!shard.closed_at || *shard.closed_at > time);
  };
  const auto is_left = [](const Shard& shard, Timestamp time) { return !shard.closed_at || *shard.closed_at >= time; };
  using Numbers = std::vector<std::uint32_t>;
  const Timestamp time = horizon + 10min;
  EXPECT_EQ(numbers_of(shards, [](const Shard& shard) { return shard.id > ShardId(2); }), (Numbers{3, 4, 5}))
      << "AFTER_SHARD_ID";
  EXPECT_EQ(numbers_of(shards, [&](const Shard& shard) { return is_open_at(shard, horizon); }), (Numbers{1, 2, 3}))
      << "AT_TRIM_HORIZON";
  EXPECT_EQ(numbers_of(shards, [&](const Shard& shard) { return is_left(shard, horizon); }), (Numbers{1, 2, 3, 4, 5}))
      << "FROM_TRIM_HORIZON";
  EXPECT_EQ(numbers_of(shards, [](const Shard& shard) { return shard.open(); }), (Numbers{1, 3, 4, 5})) << "AT_LATEST";
  EXPECT_EQ(numbers_of(shards, [&](const Shard& shard) { return is_open_at(shard, time); }), (Numbers{1, 2, 3}))
      << "AT_TIMESTAMP";
  EXPECT_EQ(numbers_of(shards, [&](const Shard& shard) { return is_left(shard, clock_.now() - 30min); }),
            (Numbers{1, 3, 4, 5}))
      << "FROM_TIMESTAMP";
}

TEST_F(Server, ShardsAreSplitMergedAndCountedByPlans) {
  reshard([](const ShardMap& map) { return reshard::split(map, ShardId(1), std::nullopt, {}); });
  EXPECT_EQ(stream_->describe().map.open_shards().size(), 3U);
  reshard([](const ShardMap& map) { return reshard::merge(map, ShardId(3), ShardId(2), {}); });
  EXPECT_EQ(stream_->describe().map.open_shards().size(), 2U);
  bool interfered = false;
  reshard([&](const ShardMap& map) {
    const auto plan = reshard::scale(map, 5, {});
    if (!std::exchange(interfered, true)) test::split(*open(), 0);
    return plan;
  });
  std::vector<HashRange> ranges;
  const ShardMap map = stream_->describe().map;
  for (const ShardId id : map.open_shards()) ranges.push_back(map.at(id).range);
  EXPECT_EQ(ranges, even_ranges(5));
  EXPECT_EQ(refusal([&] { reshard::split(map, ShardId(0), std::nullopt, {}); }), ErrorCode::usage);
}

TEST_F(Server, TagsAndRetentionAreSettings) {
  update({.retention = 48h, .tags = {{"team", "blue"}, {"cost", ""}}});
  update({.tags = {{"cost", std::nullopt}}});
  EXPECT_EQ(open()->describe().settings.tags, (Tags{{"team", "blue"}}));
  EXPECT_EQ(open()->describe().settings.retention, 48h);
}

TEST_F(Server, StreamConsumersModesAndPoliciesAreAttributes) {
  const auto set = [this](const std::string& key, std::optional<std::string> value) {
    update({.attributes = {{key, std::move(value)}}});
  };
  set("kinesis.consumer.billing", "1700000000");
  set("kinesis.consumer.audit", "1700000005");
  set("kinesis.mode", "ON_DEMAND");
  set("kinesis.consumer.audit", std::nullopt);
  Lines consumers;
  for (const auto& [key, value] : open()->describe().attributes) {
    if (key.starts_with("kinesis.consumer.")) consumers.push_back(key.substr(17) + ":" + value);
  }
  EXPECT_EQ(consumers, Lines{"billing:1700000000"});
  EXPECT_EQ(open()->describe().attributes.at("kinesis.mode"), "ON_DEMAND");
}

TEST_F(Server, CreatesListsAndDeletesStreams) {
  CreateOptions options = test::of_shards(4);
  options.settings.retention = 24h;
  options.attributes = {{"kinesis.mode", "ON_DEMAND"}};
  engine_.create("root/b", options, clock_);
  engine_.create("root/a", options, clock_);
  EXPECT_EQ(engine_.list("root"), (Lines{"root/a", "root/b"}));
  const auto reader = stream_->read({.follow = true});
  engine_.remove("orders", {Access::write}, clock_);
  EXPECT_EQ(refusal([&] { reader->next(1); }), ErrorCode::not_found) << "a subscription ends";
}

/// An engine whose commits are of one shard.
using OneShardACommit = Sequences;

TEST_F(OneShardACommit, IsDoneAgainWhereAnotherWriterReshardsMeanwhile) {
  const auto store = engine_.store("orders");
  bool first = true;
  store->on_append = [&](const RoutedBatch& batch) -> std::optional<Outcome> {
    if (batch.shard == ShardId(1) && std::exchange(first, false)) test::split(*open(), 1);
    return std::nullopt;
  };
  const StreamDescription described = stream_->describe();
  producing::Packer packer(described.map, Compression::none, true);
  Lines keys;
  for (int i = 0; i < 30; ++i) keys.push_back(std::to_string(i));
  for (const std::string& key : keys) packer.add({key, key});
  packer.flush();
  producing::Writer writer(*stream_, described, Sync::full);
  const auto written = writer.store(packer.take());
  written.check();
  EXPECT_EQ(data({ShardId(1)}), Lines{});
  EXPECT_FALSE(data({ShardId(0)}).empty()) << "what was stored is not stored again";
  Lines all = data();
  std::sort(all.begin(), all.end());
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(all, keys);
  for (const auto& place : written.packed.places) {
    EXPECT_NE(std::get<RecordStored>(written.of(place)).shard, ShardId(1));
  }
}

/// Keeps a consumer with all its leases in one value, which has a revision: all that such an engine has to offer.
class ValueLeases final : public LeaseStore {
 public:
  std::optional<Consumer> find(const std::string& name) override {
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second.consumer);
  }
  std::vector<Consumer> all() override {
    std::vector<Consumer> result;
    for (const auto& [name, value] : values_) result.push_back(value.consumer);
    return result;
  }
  bool replace(const std::optional<Consumer>& expected, const std::optional<Consumer>& desired) override {
    const std::string& name = expected ? expected->name : desired->name;
    const std::uint64_t revision = revision_of(name);
    if (find(name) != expected) return false;
    return publish(name, revision, desired);
  }
  bool change(const std::string& uuid, std::span<const LeaseChange> changes) override {
    while (true) {
      std::optional<Consumer> consumer;
      for (const Consumer& each : all()) {
        if (each.uuid == uuid) consumer = each;
      }
      if (!consumer) return false;
      const std::uint64_t revision = revision_of(consumer->name);
      for (const LeaseChange& change : changes) {
        const ShardId shard = change.expected ? change.expected->shard : change.desired->shard;
        const Lease* const there = consuming::find_lease(consumer->leases, shard);
        if ((there == nullptr ? std::nullopt : std::optional(*there)) != change.expected) return false;
      }
      consuming::make_changes(consumer->leases, {changes.begin(), changes.end()});
      if (meanwhile) std::exchange(meanwhile, nullptr)();
      if (publish(consumer->name, revision, consumer)) return true;  // otherwise read again
    }
  }

  std::function<void()> meanwhile;  ///< once, between the reading and the publishing
  int refusals = 0;

 private:
  struct Value {
    std::uint64_t revision = 0;
    Consumer consumer;
  };

  std::uint64_t revision_of(const std::string& name) {
    const auto found = values_.find(name);
    return found == values_.end() ? 0 : found->second.revision;
  }
  bool publish(const std::string& name, std::uint64_t expected, const std::optional<Consumer>& desired) {
    if (revision_of(name) != expected) {
      ++refusals;
      return false;
    }
    values_.erase(name);
    if (desired) values_.emplace(name, Value{++revisions_, *desired});
    return true;
  }

  std::map<std::string, Value> values_;
  std::uint64_t revisions_ = 0;
};

TEST_F(OneShardACommit, LeasesAreChangedInTheOneValueOfTheirConsumer) {
  ValueLeases leases;
  const Consumer consumer{"billing", make_uuid(), 1, clock_.now(), {{ShardId(0)}, {ShardId(1)}}};
  ASSERT_TRUE(leases.replace(std::nullopt, consumer));
  EXPECT_FALSE(leases.replace(std::nullopt, consumer));
  const auto taken = [&](std::uint32_t shard, const std::string& worker) {
    LeaseChange change{Lease{ShardId(shard)}, Lease{ShardId(shard)}};
    change.desired->owner = LeaseOwner{worker, "elsewhere", 10s};
    change.desired->epoch = 1;
    return change;
  };
  const LeaseChange mine = taken(0, "me");
  const LeaseChange theirs = taken(1, "they");
  leases.meanwhile = [&] { EXPECT_TRUE(leases.change(consumer.uuid, {&theirs, 1})); };
  EXPECT_TRUE(leases.change(consumer.uuid, {&mine, 1})) << "another lease changed: read again and publish";
  EXPECT_EQ(leases.refusals, 1);
  const auto stored = leases.find("billing").value();
  EXPECT_EQ(stored.leases.at(0).owner->worker, "me");
  EXPECT_EQ(stored.leases.at(1).owner->worker, "they");
  const LeaseChange late = taken(0, "late");
  EXPECT_FALSE(leases.change(consumer.uuid, {&late, 1}));
}

TEST_F(OneShardACommit, OwnersElsewhereAreUnknownAndNeverGone) {
  const std::string other = open()->liveness().self();
  EXPECT_EQ(stream_->liveness().state_of(other), Liveness::State::unknown);
  EXPECT_NE(other, stream_->liveness().self());
}

TEST_F(OneShardACommit, TrimmedRecordsAreExactGapsThoughNumbersAreNot) {
  std::vector<SequenceNumber> last;
  for (const char* const data : {"a", "b", "c"}) {
    const RoutedBatch batch = test::batch_of(0, {data, data});
    const auto outcomes = stream_->append({{&batch, 1}});
    last.push_back(std::get<Stored>(outcomes.at(0)).sequences.last());
    clock_.step(20min);
  }
  const auto reader = stream_->read({.starts = {{ShardId(0), AfterSequence{last[0]}}}});
  update({.retention = 30min});
  const ReadResult result = reader->next(test::any_budget);
  ASSERT_EQ(result.gaps.size(), 1U);
  EXPECT_GT(result.gaps[0].first, last[0]);
  EXPECT_EQ(result.gaps[0].last, last[1]);
  ASSERT_EQ(result.batches.size(), 1U);
  EXPECT_GT(result.batches[0].sequences[0], last[1]);
  EXPECT_EQ(refusal([&] { stream_->locate(AtSequence{last[1]}, {ShardId(0)}); }), ErrorCode::trimmed);
}

TEST_F(OneShardACommit, WhatAnEngineCannotDoIsRefusedBeforeAnythingIsDone) {
  const RoutedBatch batch = test::batch_of(0, {"a"});
  const ProducerMove move{{"p", ""}, std::nullopt, {SequenceNumber(1)}};
  EXPECT_FALSE(stream_->capabilities().producers);
  EXPECT_EQ(refusal([&] { stream_->append({.batches = {&batch, 1}, .moves = {&move, 1}}); }), ErrorCode::usage);
  CreateOptions options;
  options.group = "staff";
  EXPECT_EQ(refusal([&] { engine_.create("shared", options, clock_); }), ErrorCode::usage);
  EXPECT_EQ(data(), Lines{});
}

}  // namespace
}  // namespace shardlog
