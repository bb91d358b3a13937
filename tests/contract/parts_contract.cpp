// Leases, liveness, producers, resharding, maintenance, notice.

#include <future>
#include <set>

#include "contract/contract.h"
#include "shardlog/core/uuid.h"
#include "shardlog/reshard/plan.h"

namespace shardlog::contract {
namespace {

class LeaseContract : public TwoShards {
 protected:
  Consumer make(const std::string& name, std::vector<Lease> leases = {}) {
    Consumer consumer{name, make_uuid(), 1, clock_.now(), std::move(leases)};
    EXPECT_TRUE(stream_->leases().replace(std::nullopt, consumer));
    return consumer;
  }
  static Lease lease(std::uint32_t number) { return {shard(number)}; }
  Lease owned(std::uint32_t number) {
    Lease result = lease(number);
    result.owner = LeaseOwner{"w", stream_->liveness().self(), 10s};
    result.epoch = 1;
    return result;
  }
  bool change(const Consumer& consumer, const std::vector<LeaseChange>& changes) {
    return stream_->leases().change(consumer.uuid, changes);
  }
  std::optional<Consumer> find(const std::string& name) { return open()->leases().find(name); }
};

TEST_P(LeaseContract, ConsumersAreThereForWhoeverOpensTheStream) {
  const Consumer b = make("b", {lease(0), lease(1)});
  const Consumer a = make("a");
  EXPECT_EQ(find("b"), b);
  EXPECT_EQ(find("c"), std::nullopt);
  EXPECT_EQ(open(Access::read)->leases().all(), (std::vector{a, b}));
}

TEST_P(LeaseContract, EveryKindOfCheckpointIsKept) {
  const std::vector<Checkpoint> kinds{Beginning{},
                                      Beginning{clock_.now()},
                                      TrimHorizon{},
                                      Latest{},
                                      AtTime{clock_.now()},
                                      AtSequence{SequenceNumber(7)},
                                      AtSequence{*SequenceNumber::parse(std::string(129, '9')), clock_.now()},
                                      AfterSequence{SequenceNumber(9)},
                                      ShardEnd{},
                                      ShardEnd{clock_.now()}};
  Consumer consumer = make("a", {lease(0)});
  for (const Checkpoint& kind : kinds) {
    Lease desired = consumer.leases[0];
    desired.checkpoint = kind;
    ASSERT_TRUE(change(consumer, {{consumer.leases[0], desired}}));
    consumer.leases[0] = desired;
    EXPECT_EQ(find("a"), consumer);
  }
}

TEST_P(LeaseContract, AConsumerIsReplacedOnlyWhereItIsAsExpected) {
  const Consumer consumer = make("a", {lease(0)});
  Consumer moved = consumer;
  moved.generation = 2;
  EXPECT_FALSE(stream_->leases().replace(std::nullopt, moved)) << "it is there";
  EXPECT_FALSE(stream_->leases().replace(moved, consumer));
  EXPECT_FALSE(stream_->leases().replace(moved, std::nullopt));
  EXPECT_EQ(find("a"), consumer);
  EXPECT_TRUE(stream_->leases().replace(consumer, moved));
  EXPECT_EQ(find("a"), moved);
  EXPECT_TRUE(stream_->leases().replace(moved, std::nullopt));
  EXPECT_EQ(find("a"), std::nullopt);
}

TEST_P(LeaseContract, LeasesChangeTogetherOrNotAtAll) {
  const Consumer consumer = make("a", {lease(0), lease(1)});
  EXPECT_FALSE(change(consumer, {{lease(0), owned(0)}, {owned(1), lease(1)}})) << "the second is not as expected";
  EXPECT_EQ(find("a"), consumer);
  EXPECT_TRUE(change(consumer, {{lease(0), owned(0)}, {lease(1), std::nullopt}, {std::nullopt, lease(2)}}));
  EXPECT_EQ(find("a").value().leases, (std::vector{owned(0), lease(2)}));
  EXPECT_FALSE(change(consumer, {{std::nullopt, lease(2)}})) << "it is there";
  EXPECT_FALSE(change(consumer, {{lease(0), owned(0)}})) << "changed meanwhile";
}

TEST_P(LeaseContract, AConsumerIsNotAnotherOfTheSameName) {
  const Consumer old = make("a", {lease(0)});
  ASSERT_TRUE(stream_->leases().replace(old, std::nullopt));
  EXPECT_FALSE(change(old, {{lease(0), owned(0)}})) << "removed";
  const Consumer consumer = make("a", {lease(0)});
  EXPECT_FALSE(change(old, {{lease(0), owned(0)}}));
  EXPECT_EQ(find("a"), consumer);
}

TEST_P(LeaseContract, OfManyWhoWantALeaseOneGetsIt) {
  const Consumer consumer = make("a", {lease(0)});
  std::vector<std::future<bool>> takers;
  for (int i = 0; i < 4; ++i) {
    takers.push_back(std::async(std::launch::async, [&, i] {
      const auto stream = open();
      Lease taken = lease(0);
      taken.owner = LeaseOwner{"w" + std::to_string(i), stream->liveness().self(), 10s};
      const LeaseChange take{lease(0), taken};
      return stream->leases().change(consumer.uuid, {&take, 1});
    }));
  }
  int winners = 0;
  for (auto& taker : takers) winners += taker.get() ? 1 : 0;
  EXPECT_EQ(winners, 1);
}

TEST_P(LeaseContract, OnlyAChangeOfOwnersWakesOthers) {
  const Consumer consumer = make("a", {lease(0)});
  const auto observer = open(Access::read);
  const auto notice = observer->notice();
  Lease taken = owned(0);
  ASSERT_TRUE(change(consumer, {{lease(0), taken}}));
  EXPECT_TRUE(notice->wait(20s, {}));
  Lease moved = taken;
  ++moved.counter;
  moved.checkpoint = AfterSequence{SequenceNumber(1)};
  ASSERT_TRUE(change(consumer, {{taken, moved}}));
  EXPECT_FALSE(notice->wait(20ms, {}));
}

TEST_P(LeaseContract, AProcessIsToldFromAnotherAndNotTakenForGone) {
  Liveness& liveness = stream_->liveness();
  EXPECT_FALSE(liveness.self().empty());
  EXPECT_EQ(liveness.self(), stream_->liveness().self());
  EXPECT_NE(liveness.state_of(liveness.self()), Liveness::State::gone);
  EXPECT_EQ(liveness.state_of("another-host/1/1/1"), Liveness::State::unknown);
  EXPECT_NE(open()->liveness().state_of(liveness.self()), Liveness::State::gone);
}

INSTANTIATE_TEST_SUITE_P(Of, LeaseContract, testing::ValuesIn(subjects()), name_of);

class ProducerContract : public TwoShards {
 protected:
  static ProducerMove move(const std::string& name, std::optional<std::uint64_t> from, std::uint64_t to,
                           const std::string& source = "") {
    const auto at = from ? std::optional(SequenceNumber(*from)) : std::nullopt;
    return {{name, source}, at, {SequenceNumber(to), "proof"}};
  }
  std::optional<ErrorCode> store(const std::string& data, const std::vector<ProducerMove>& moves) {
    const RoutedBatch batch = test::batch_of(0, {data});
    return refusal([&] { stream_->append({.batches = {&batch, 1}, .moves = moves}); });
  }
  /// How many appends it takes to make so many moves.
  [[nodiscard]] std::size_t appends_of(std::size_t moves) const {
    const std::size_t at_once = std::min(moves, can().sources_per_append);
    return (moves + at_once - 1) / at_once;
  }
  /// Stores with as few appends as it takes to make these moves. Why the last one was refused.
  std::optional<ErrorCode> store_with_each(const std::string& data, const std::vector<ProducerMove>& moves) {
    std::optional<ErrorCode> refused;
    const std::size_t at_once = std::min(moves.size(), can().sources_per_append);
    for (std::size_t i = 0; i < moves.size(); i += at_once) {
      const auto end = moves.begin() + static_cast<std::ptrdiff_t>(std::min(i + at_once, moves.size()));
      refused = store(data, {moves.begin() + static_cast<std::ptrdiff_t>(i), end});
    }
    return refused;
  }
};

TEST_P(ProducerContract, MoveInOneWithWhatTheyStore) {
  const auto refused = can().producers ? std::nullopt : std::optional(ErrorCode::usage);
  EXPECT_EQ(store("a", {move("p", std::nullopt, 1)}), refused);
  EXPECT_EQ(store_with_each("b", {move("p", 1, 2), move("p", std::nullopt, 5, "x")}), refused);
  EXPECT_EQ(data(*stream_).size(), can().producers ? 1 + appends_of(2) : 0U);
  const auto places = open()->producers().of("p");
  ASSERT_EQ(places.size(), can().producers ? 2U : 0U);
  if (places.empty()) return;
  EXPECT_EQ(places[0], (Producer{{"p", ""}, {SequenceNumber(2), "proof"}, places[0].moved_at}));
  EXPECT_TRUE(is_now(places[0].moved_at));
  EXPECT_EQ(places[1].id.source, "x");
}

TEST_P(ProducerContract, ThatAreElsewhereAreFencedAndNothingIsStored) {
  const auto refused = can().producers ? ErrorCode::fenced : ErrorCode::usage;
  store("a", {move("p", std::nullopt, 1)});
  EXPECT_EQ(store("b", {move("p", std::nullopt, 2)}), refused);
  EXPECT_EQ(store("c", {move("q", 7, 8)}), refused);
  const auto none = can().sources_per_append < 2 ? ErrorCode::usage : refused;
  EXPECT_EQ(store("d", {move("q", std::nullopt, 1), move("p", 9, 10)}), none) << "all or none";
  EXPECT_EQ(data(*stream_), can().producers ? Lines{"a"} : Lines{});
  EXPECT_TRUE(stream_->producers().of("q").empty());
}

TEST_P(ProducerContract, StayWhereTheyAreWhereAShardIsSealed) {
  test::split(*stream_, 0);
  store("a", {move("p", std::nullopt, 1)});
  EXPECT_TRUE(stream_->producers().all().empty());
  EXPECT_EQ(data(*stream_), Lines{});
}

TEST_P(ProducerContract, AreListedInOrderAndForgotten) {
  store_with_each("a", {move("b", std::nullopt, 1, "2"), move("b", std::nullopt, 1, "1"), move("a", std::nullopt, 1)});
  const auto all = stream_->producers().all();
  std::vector<ProducerId> ids;
  for (const Producer& each : all) ids.push_back(each.id);
  EXPECT_EQ(ids,
            can().producers ? (std::vector<ProducerId>{{"a", ""}, {"b", "1"}, {"b", "2"}}) : std::vector<ProducerId>());
  EXPECT_EQ(stream_->producers().forget("b"), can().producers);
  EXPECT_FALSE(stream_->producers().forget("b"));
  EXPECT_EQ(stream_->producers().all().size(), can().producers ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(Of, ProducerContract, testing::ValuesIn(subjects()), name_of);

class ReshardContract : public TwoShards {};

TEST_P(ReshardContract, AppliesAPlanOfSteps) {
  let_pass(1h);
  ShardMap map = stream_->describe().map;
  for (const auto& planned : reshard::scale(map, 3, {})) {
    const auto version = stream_->resharding().apply(planned.step, map.version());
    ASSERT_TRUE(version);
    EXPECT_GT(*version, map.version());
    map = stream_->describe().map;
    EXPECT_EQ(map.version(), *version);
  }
  std::vector<HashRange> ranges;
  for (const ShardId id : map.open_shards()) ranges.push_back(map.at(id).range);
  EXPECT_EQ(ranges, even_ranges(3));
  check_lineage(map);
  EXPECT_TRUE(is_now(map.at(shard(0)).closed_at.value()));
  EXPECT_TRUE(is_now(map.at(shard(2)).opened_at));
}

TEST_P(ReshardContract, ChangesNothingWhereTheMapHasChangedMeanwhile) {
  const ShardMap before = stream_->describe().map;
  test::split(*open(), 0);
  const ShardMap after = stream_->describe().map;
  const auto plan = reshard::split(before, shard(1), {}, {});
  EXPECT_EQ(stream_->resharding().apply(plan[0].step, before.version()), std::nullopt);
  EXPECT_EQ(stream_->describe().map.shards(), after.shards());
}

TEST_P(ReshardContract, ChangesAttributesTogetherWithTheShards) {
  stream_->maintenance().update({.attributes = {{"kept", "1"}, {"removed", "2"}}});
  const ShardMap before = stream_->describe().map;
  const ReshardStep step = reshard::merge(before, shard(0), shard(1), {})[0].step;
  const ValueChanges changes{{"removed", std::nullopt}, {"made", "3"}};
  EXPECT_EQ(stream_->resharding().apply(step, before.version() + 1, changes), std::nullopt);
  EXPECT_EQ(open()->describe().attributes, (Attributes{{"kept", "1"}, {"removed", "2"}}));
  const ValueChanges too_large{{"made", std::string(4097, 'x')}};
  EXPECT_EQ(refusal([&] { stream_->resharding().apply(step, before.version(), too_large); }), ErrorCode::usage);
  EXPECT_EQ(open()->describe().attributes, (Attributes{{"kept", "1"}, {"removed", "2"}}));
  EXPECT_EQ(open()->describe().map.open_shards().size(), 2U);
  EXPECT_TRUE(stream_->resharding().apply(step, before.version(), changes));
  EXPECT_EQ(open()->describe().attributes, (Attributes{{"kept", "1"}, {"made", "3"}}));
  EXPECT_EQ(open()->describe().map.open_shards().size(), 1U);
}

TEST_P(ReshardContract, RefusesAStepThatDoesNotFit) {
  const ShardMap map = stream_->describe().map;
  const HashRange all{HashKey(0), max_hash_key};
  const auto apply = [&](const ReshardStep& step) {
    return refusal([&] { stream_->resharding().apply(step, stream_->describe().map.version()); });
  };
  EXPECT_EQ(apply({{shard(0)}, {{shard(2), all, shard(0)}}}), ErrorCode::usage);
  EXPECT_EQ(apply({{shard(7)}, {{shard(2), all, shard(7)}}}), ErrorCode::not_found);
  EXPECT_EQ(stream_->describe().map.shards(), map.shards());
  test::merge(*stream_, 0, 1);
  EXPECT_EQ(apply({{shard(0), shard(1)}, {{shard(3), all, shard(0), shard(1)}}}), ErrorCode::usage) << "closed";
}

TEST_P(ReshardContract, LeavesWhatIsStoredReadable) {
  put(*stream_, 0, {"a"});
  put(*stream_, 1, {"b"});
  test::merge(*stream_, 0, 1);
  EXPECT_EQ(data(*stream_, {shard(0)}), Lines{"a"});
  EXPECT_EQ(data(*stream_, {shard(1)}), Lines{"b"});
}

INSTANTIATE_TEST_SUITE_P(Of, ReshardContract, testing::ValuesIn(subjects()), name_of);

class MaintenanceContract : public TwoShards {};

TEST_P(MaintenanceContract, UpdatesWhatIsNamedAndNothingElse) {
  stream_->maintenance().update({.max_record_size = 4096,
                                 .mode = Mode::on_demand,
                                 .tags = {{"team", "blue"}, {"empty", ""}},
                                 .attributes = {{"k", std::string("\0\xff", 2)}, {"l", ""}}});
  stream_->maintenance().update(
      {.tags = {{"team", std::nullopt}, {"gone", std::nullopt}}, .attributes = {{"l", std::nullopt}}});
  const StreamDescription described = open()->describe();
  EXPECT_EQ(described.settings.max_record_size, 4096U);
  EXPECT_EQ(described.settings.retention, forever);
  EXPECT_EQ(described.settings.mode, Mode::on_demand);
  EXPECT_EQ(described.settings.tags, (Tags{{"empty", ""}}));
  EXPECT_EQ(described.attributes, (Attributes{{"k", std::string("\0\xff", 2)}}));
}

TEST_P(MaintenanceContract, UpdatesNothingWhereOneValueIsOutOfBounds) {
  const SettingsChange change{.max_record_size = 4096, .attributes = {{"k", std::string(4097, 'x')}}};
  EXPECT_EQ(refusal([&] { stream_->maintenance().update(change); }), ErrorCode::usage);
  EXPECT_EQ(stream_->describe().settings.max_record_size, default_max_record_size);
  EXPECT_TRUE(stream_->describe().attributes.empty());
}

TEST_P(MaintenanceContract, ALongerRetentionBringsNothingBackThatWasRemoved) {
  put(*stream_, 0, {"a"});
  let_expire(*stream_);
  stream_->maintenance().update({.retention = forever});
  EXPECT_EQ(data(*stream_), Lines{});
}

TEST_P(MaintenanceContract, CountsWhereItsCountsAreExact) {
  put(*stream_, 0, {"a", "bc"});
  let_expire(*stream_);
  const auto numbers = put(*stream_, 0, {"d", "efg", "h"});
  const auto counted = [this](std::uint64_t count) { return can().exact_counts ? std::optional(count) : std::nullopt; };
  const StreamStatistics statistics = stream_->maintenance().statistics(Detail::all);
  EXPECT_EQ(statistics.description.uuid, stream_->describe().uuid);
  ASSERT_EQ(statistics.shards.size(), 2U);
  const ShardStatistics& full = statistics.shards[0];
  EXPECT_EQ(full.shard.id, shard(0));
  EXPECT_EQ(full.records, counted(3));
  EXPECT_EQ(full.bytes, counted(5));
  EXPECT_EQ(full.trimmed_records, counted(2));
  EXPECT_EQ(full.trimmed_bytes, counted(3));
  EXPECT_EQ(full.first.value().sequence, numbers.front());
  EXPECT_EQ(full.last.value().sequence, numbers.back());
  EXPECT_EQ(statistics.shards[1].records, counted(0));
  EXPECT_FALSE(statistics.shards[1].first || statistics.shards[1].last);
  const StreamStatistics load = stream_->maintenance().statistics(Detail::load);
  EXPECT_EQ(load.shards[0].records, counted(3));
  EXPECT_FALSE(load.shards[0].first || load.shards[0].last);
}

TEST_P(MaintenanceContract, CountsWhatEachShardHasTakenIn) {
  const Timestamp before = between();
  std::vector<RoutedBatch> batches;
  for (const char* const data : {"a", "bc"}) batches.push_back(test::batch_of(0, {data, ""}));
  batches.push_back(test::batch_of(1, {"def"}));
  stream_->append({batches});
  const Timestamp middle = between();
  put(*stream_, 0, {"g"});
  const Timestamp second = last_arrival(*stream_);

  const std::vector<Intake> none(2);
  const std::uint64_t first_appends = can().atomic_append ? 1 : 2;  // otherwise each batch is one
  const std::vector<Intake> one_append{{4, 3, first_appends}, {1, 3, 1}};
  const std::vector<Intake> both_appends{{5, 4, first_appends + 1}, {1, 3, 1}};
  const std::vector<Timestamp> times{before - 1h, before, middle, second, second + 1us, second + 1us, second + 1h};
  std::vector<std::optional<std::vector<Intake>>> expected(times.size());
  if (can().exact_counts) {
    expected = {none, none, one_append, one_append, both_appends, both_appends, both_appends};
  }
  EXPECT_EQ(open(Access::read)->maintenance().intake(times), expected);
  EXPECT_TRUE(stream_->maintenance().intake({}).empty());
  const auto shards = stream_->maintenance().statistics(Detail::load).shards;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    EXPECT_EQ(shards[i].intake, can().exact_counts ? std::optional(both_appends[i]) : std::nullopt) << i;
  }
}

TEST_P(MaintenanceContract, CountsWhatEachShardHasTakenInAlsoWhereItIsTrimmed) {
  const Timestamp first = clock_.now();
  put(*stream_, 0, {"a", "bc"});
  put(*stream_, 0, {"d"});
  let_expire(*stream_);
  put(*stream_, 0, {"efg"});
  const Timestamp second = last_arrival(*stream_);
  const std::vector<Timestamp> times{first, second, second + 1us};
  const auto intake = stream_->maintenance().intake(times);
  ASSERT_EQ(intake.size(), times.size());
  EXPECT_EQ(intake[0], std::nullopt) << "nobody knows any more";
  if (!can().exact_counts) return;
  EXPECT_EQ(intake[1], (std::vector<Intake>{{3, 4, 2}, {}}));
  EXPECT_EQ(intake[2], (std::vector<Intake>{{4, 7, 3}, {}}));
}

TEST_P(MaintenanceContract, TellsWhatIsStillToBeRead) {
  const auto numbers = put(*stream_, 0, {"a", "b", "c"});
  const Timestamp middle = between();
  put(*stream_, 1, {"d"});
  const auto backlog = [this](const std::vector<ShardStart>& starts) { return stream_->maintenance().backlog(starts); };
  const Backlog both = backlog({{shard(1), TrimHorizon{}}, {shard(0), AfterSequence{numbers[0]}}});
  ASSERT_EQ(both.records.size(), 2U);
  EXPECT_EQ(both.records[0].has_value(), can().exact_counts);
  EXPECT_EQ(both.records[0].value_or(1), 1U);
  EXPECT_EQ(both.records[1].value_or(2), 2U);
  EXPECT_EQ(both.total(), can().exact_counts ? std::optional<std::uint64_t>(3) : std::nullopt);
  EXPECT_LT(both.oldest.value(), middle);
  const Backlog none = backlog({{shard(0), Latest{}}});
  EXPECT_EQ(none.records[0].value_or(0), 0U);
  EXPECT_EQ(none.oldest, std::nullopt);
  EXPECT_EQ(refusal([&] { backlog({{shard(5), TrimHorizon{}}}); }), ErrorCode::not_found);
}

TEST_P(MaintenanceContract, LeavesWhatWasTrimmedOutOfTheBacklog) {
  const auto numbers = put(*stream_, 0, {"a", "b", "c"});
  let_expire(*stream_);
  put(*stream_, 0, {"d"});
  const ShardStart start{shard(0), AtSequence{numbers[0]}};
  EXPECT_EQ(stream_->maintenance().backlog({&start, 1}).records[0].value_or(1), 1U);
}

TEST_P(MaintenanceContract, VerifiesThatAllIsAsItWasWritten) {
  put(*stream_, 0, {"a", "b"});
  put(*stream_, 1, {"c"});
  double progress = 0;
  const VerifyReport report = stream_->maintenance().verify([&](double part) {
    progress = part;
    return true;
  });
  EXPECT_EQ(report.records, 3U);
  EXPECT_EQ(report.batches, 2U);
  EXPECT_EQ(report.findings, Lines{});
  EXPECT_TRUE(report.losses.empty());
  EXPECT_TRUE(progress >= 0 && progress <= 1);
}

TEST_P(MaintenanceContract, NoticesCommitsOfOthersAndNothingElse) {
  const auto notice = stream_->notice();
  EXPECT_FALSE(notice->wait(1ms, {}));
  const auto other = open();
  put(*other, 0, {"a"});
  EXPECT_TRUE(notice->wait(20s, {}));
  EXPECT_FALSE(notice->wait(1ms, {})) << "told once";
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(notice->wait(20s, stop.get_token()));
}

INSTANTIATE_TEST_SUITE_P(Of, MaintenanceContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract
