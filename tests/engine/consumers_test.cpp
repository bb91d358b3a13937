#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/raw_database.h"
#include "engine/watched_vfs.h"
#include "shardlog/sqlite/commit_watch.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::refusal;

const LeaseOwner somebody{"w1", "boot/1/2/3"};
const LeaseOwner another{"w2", "boot/1/4/5"};

class Consumers : public test::StreamTest {
 protected:
  Consumers() {
    create(3);
    stream_ = open_to_write();
  }

  Consumer make(const std::string& name, std::vector<Lease> leases = {}) {
    Consumer consumer{name, "00000000-0000-4000-8000-00000000000" + name, 1, clock_.now(), std::move(leases)};
    EXPECT_TRUE(stream_->leases().replace({}, consumer));
    return consumer;
  }

  bool change(const Consumer& consumer, const std::optional<Lease>& expected, const std::optional<Lease>& desired) {
    const LeaseChange change{expected, desired};
    return stream_->leases().change(consumer.uuid, {&change, 1});
  }

  std::unique_ptr<Stream> stream_;
};

Lease lease(std::uint32_t shard) {
  return {.shard = ShardId(shard)};
}

TEST_F(Consumers, DoNotExistInANewStream) {
  EXPECT_EQ(stream_->leases().find("billing"), std::nullopt);
  EXPECT_TRUE(stream_->leases().all().empty());
}

TEST_F(Consumers, AreReadAsTheyWereMadeInAnotherOpening) {
  const Lease full{.shard = ShardId(2),
                   .owner = somebody,
                   .claimant = another,
                   .epoch = ~std::uint64_t{0},
                   .counter = 5,
                   .generation = 6,
                   .checkpoint = AfterSequence{*SequenceNumber::parse(std::string(129, '9'))}};
  const Consumer b = make("b", {lease(0), full});
  const Consumer a = make("a");
  EXPECT_EQ(open_to_read()->leases().find("b"), b);
  EXPECT_EQ(open_to_read()->leases().all(), (std::vector{a, b}));
  EXPECT_EQ(stream_->leases().find("c"), std::nullopt);
}

TEST_F(Consumers, KeepEveryKindOfCheckpoint) {
  std::vector<Lease> leases{lease(0), lease(1), lease(2), lease(3)};
  leases[0].checkpoint = TrimHorizon{};
  leases[1].checkpoint = AtSequence{SequenceNumber(0)};
  leases[2].checkpoint = AfterSequence{SequenceNumber(7)};
  leases[3].checkpoint = ShardEnd{};
  EXPECT_EQ(stream_->leases().find(make("a", leases).name).value().leases, leases);
}

TEST_F(Consumers, AreReplacedOnlyIfTheyAreAsExpected) {
  const Consumer first = make("a", {lease(0)});
  Consumer second = first;
  second.generation = 2;
  second.leases = {lease(1), lease(2)};
  EXPECT_FALSE(stream_->leases().replace({}, second)) << "it is there";
  EXPECT_FALSE(stream_->leases().replace(second, first)) << "it is another";
  EXPECT_EQ(stream_->leases().find("a"), first);
  EXPECT_TRUE(stream_->leases().replace(first, second));
  EXPECT_FALSE(stream_->leases().replace(first, second));
  EXPECT_EQ(stream_->leases().find("a"), second);
  EXPECT_FALSE(stream_->leases().replace(first, {}));
  EXPECT_TRUE(stream_->leases().replace(second, {}));
  EXPECT_FALSE(stream_->leases().replace(second, {}));
  EXPECT_EQ(stream_->leases().find("a"), std::nullopt);
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(Consumers, OfANameWhoseLeasesMovedOnAreNotRemoved) {
  const Consumer first = make("a", {lease(0)});
  Lease moved = lease(0);
  ++moved.counter;
  EXPECT_TRUE(change(first, lease(0), moved));
  EXPECT_FALSE(stream_->leases().replace(first, {}));
  EXPECT_EQ(stream_->leases().find("a").value().leases, std::vector{moved});
}

TEST_F(Consumers, LeasesChangeTogetherOrNotAtAll) {
  const Consumer consumer = make("a", {lease(0), lease(1)});
  Lease taken = lease(0);
  taken.owner = somebody;
  taken.epoch = 1;
  const std::vector<LeaseChange> changes{{lease(0), taken}, {std::nullopt, lease(2)}, {lease(1), {}}};
  std::vector<LeaseChange> wrong = changes;
  wrong[2].expected->counter = 1;
  EXPECT_FALSE(stream_->leases().change(consumer.uuid, wrong));
  wrong[2] = {std::nullopt, lease(1)};
  EXPECT_FALSE(stream_->leases().change(consumer.uuid, wrong));
  wrong[2] = {lease(3), {}};
  EXPECT_FALSE(stream_->leases().change(consumer.uuid, wrong));
  EXPECT_EQ(stream_->leases().find("a"), consumer);
  EXPECT_TRUE(stream_->leases().change(consumer.uuid, changes));
  EXPECT_EQ(stream_->leases().find("a").value().leases, (std::vector{taken, lease(2)}));
  EXPECT_EQ(findings(*stream_), Lines{});
}

TEST_F(Consumers, LeasesOfAnotherConsumerOfTheNameAreNotChanged) {
  const Consumer first = make("a", {lease(0)});
  ASSERT_TRUE(stream_->leases().replace(first, {}));
  EXPECT_FALSE(change(first, lease(0), {}));
  EXPECT_FALSE(change(first, {}, lease(0)));
  Consumer second = first;
  second.uuid = "00000000-0000-4000-8000-0000000000ff";
  ASSERT_TRUE(stream_->leases().replace({}, second));
  EXPECT_FALSE(change(first, lease(0), {}));
  EXPECT_FALSE(change(first, {}, lease(1)));
  EXPECT_EQ(stream_->leases().find("a"), second);
}

TEST_F(Consumers, OfWrongNamesAreRefused) {
  for (const std::string& name : {std::string(), std::string(129, 'a'), std::string("a b"), std::string("ä")}) {
    const Consumer consumer{.name = name, .uuid = "00000000-0000-4000-8000-000000000000"};
    EXPECT_EQ(refusal([&] { stream_->leases().replace({}, consumer); }), ErrorCode::usage) << name;
  }
  const Consumer consumer = make("a", {lease(0)});
  Lease taken = lease(0);
  taken.owner = LeaseOwner{std::string(257, 'w'), ""};
  EXPECT_EQ(refusal([&] { change(consumer, lease(0), taken); }), ErrorCode::usage);
}

TEST_F(Consumers, RequestsThatContradictThemselvesAreDefects) {
  const Consumer consumer = make("a", {lease(0), lease(1)});
  const std::vector<LeaseChange> twice{{lease(0), lease(0)}, {lease(0), lease(0)}};
  EXPECT_EQ(refusal([&] { stream_->leases().change(consumer.uuid, twice); }), ErrorCode::internal);
  EXPECT_EQ(refusal([&] { change(consumer, lease(0), lease(1)); }), ErrorCode::internal);
  EXPECT_EQ(refusal([&] { change(consumer, {}, {}); }), ErrorCode::internal);
  Consumer renamed = consumer;
  renamed.name = "b";
  EXPECT_EQ(refusal([&] { stream_->leases().replace(consumer, renamed); }), ErrorCode::internal);
  EXPECT_EQ(refusal([&] { stream_->leases().replace({}, renamed); }), ErrorCode::internal) << "its UUID is taken";
  renamed.uuid = "00000000-0000-4000-8000-0000000000ff";
  renamed.leases = {lease(1), lease(0)};
  EXPECT_EQ(refusal([&] { stream_->leases().replace({}, renamed); }), ErrorCode::internal);
  EXPECT_EQ(stream_->leases().all(), std::vector{consumer});
}

TEST_F(Consumers, AreNotChangedInAStreamOpenedForReading) {
  const Consumer consumer = make("a", {lease(0)});
  stream_ = open_to_read();
  EXPECT_EQ(refusal([&] { stream_->leases().replace(consumer, {}); }), ErrorCode::internal);
  EXPECT_EQ(refusal([&] { change(consumer, lease(0), {}); }), ErrorCode::internal);
}

TEST_F(Consumers, AreBroughtBackByARepairOfTheClock) {
  const Timestamp now = clock_.now();
  clock_.step(std::chrono::hours(24));
  make("a", {lease(0)});
  clock_.set(now);
  stream_->maintenance().update({.repair_clock = true});
  EXPECT_EQ(stream_->leases().find("a").value().created_at, now);
  EXPECT_EQ(findings(*stream_), Lines{});
}

/// What a change of leases costs.
class LeaseChanges : public Consumers {
 protected:
  struct Cost {
    bool synced = false;
    bool announced = false;

    friend bool operator==(const Cost&, const Cost&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Cost& cost) {
      return out << "synced " << cost.synced << ", announced " << cost.announced;
    }
  };
  static constexpr Cost cheap{false, false};
  static constexpr Cost full{true, true};

  LeaseChanges() {
    stream_.reset();
    stream_ = open_to_write();  // through the VFS
    consumer_ = make("a", {lease(0), lease(1)});
  }

  LeaseChanges(const LeaseChanges&) = delete;
  LeaseChanges& operator=(const LeaseChanges&) = delete;
  ~LeaseChanges() override { stream_.reset(); }

  Cost cost(const std::vector<LeaseChange>& changes) {
    sqlite::CommitWatch watch(file("lock"));
    std::uint64_t seen = watch.noticed();
    test::CallLog calls(vfs_);
    EXPECT_TRUE(stream_->leases().change(consumer_.uuid, changes));
    return {calls.count(test::DatabaseFile::log, test::FileCall::sync) > 0, watch.wait(seen, 0s, {})};
  }

  test::WatchedVfs vfs_;
  Consumer consumer_;
};

TEST_F(LeaseChanges, ThatShowProgressAreNeitherSyncedNorAnnounced) {
  Lease other = lease(0);
  other.counter = 3;
  other.checkpoint = AfterSequence{SequenceNumber(9)};
  other.epoch = 2;
  other.generation = 2;
  EXPECT_EQ(cost({{lease(0), other}, {lease(1), lease(1)}}), cheap);
}

TEST_F(LeaseChanges, ThatGiveALeaseToAWorkerAreSyncedAndAnnounced) {
  Lease taken = lease(0);
  taken.owner = somebody;
  EXPECT_EQ(cost({{lease(1), lease(1)}, {lease(0), taken}}), full);
  Lease claimed = taken;
  claimed.claimant = another;
  EXPECT_EQ(cost({{taken, claimed}}), full);
  EXPECT_EQ(cost({{claimed, lease(0)}}), full);
}

TEST_F(LeaseChanges, ThatAddOrRemoveALeaseAreSyncedAndAnnounced) {
  EXPECT_EQ(cost({{std::nullopt, lease(2)}}), full);
  EXPECT_EQ(cost({{lease(2), {}}}), full);
}

TEST_F(LeaseChanges, OfManyInOneCommitTouchFewPages) {
  stream_->leases().replace(consumer_, {});
  std::vector<Lease> leases;
  for (std::uint32_t shard = 0; shard < 64; ++shard) {
    leases.push_back(lease(shard));
    leases.back().owner = LeaseOwner{"worker-7", std::string(80, 'p')};
  }
  consumer_ = make("b", leases);
  std::vector<LeaseChange> changes;
  for (const Lease& each : leases) {
    changes.push_back({each, each});
    changes.back().desired->counter = 1;
    changes.back().desired->checkpoint = AfterSequence{SequenceNumber(1'000'000)};
  }
  test::CallLog calls(vfs_);
  EXPECT_TRUE(stream_->leases().change(consumer_.uuid, changes));
  // 64 rows of about 220 bytes fill a page of 16 KiB; a frame is a header and a page.
  EXPECT_LE(calls.count(test::DatabaseFile::log, test::FileCall::write), 2 * 4);
  calls.clear();
  changes.resize(1);
  changes[0].expected = changes[0].desired;
  changes[0].desired->counter = 2;
  EXPECT_TRUE(stream_->leases().change(consumer_.uuid, changes));
  EXPECT_EQ(calls.count(test::DatabaseFile::log, test::FileCall::write), 2 * 1);
}

struct Case {
  std::string name;
  std::string sql;

  friend std::ostream& operator<<(std::ostream& out, const Case& each) { return out << each.sql; }
};

class DamagedConsumer : public Consumers, public testing::WithParamInterface<Case> {
 protected:
  DamagedConsumer() {
    consumer_ = make("a", {lease(0), owned()});
    test::RawDatabase(path_).exec(GetParam().sql);
  }

  static Lease owned() {
    Lease result = lease(1);
    result.owner = somebody;
    result.checkpoint = AtSequence{SequenceNumber(5)};
    return result;
  }

  Consumer consumer_;
};

TEST_P(DamagedConsumer, IsRefusedAndFound) {
  EXPECT_EQ(refusal([&] { stream_->leases().find("a"); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { stream_->leases().all(); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { stream_->leases().replace(consumer_, {}); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { stream_->leases().replace({}, consumer_); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { change(consumer_, owned(), lease(1)); }), ErrorCode::corrupt);
  EXPECT_EQ(findings(*stream_).size(), 1U) << testing::PrintToString(findings(*stream_));
  put(*stream_, 0, {"a"});
  EXPECT_EQ(lines(), Lines{"a"}) << "records can still be read";
}

std::vector<Case> damages() {
  std::vector<Case> cases{
      {"ALeaseIsMissing", "DELETE FROM leases WHERE shard = 1"},
      {"ALeaseIsOfAnotherShard", "UPDATE leases SET shard = 2 WHERE shard = 1"},
      {"OwnerIsGone", "UPDATE leases SET owner = NULL, owner_process = NULL WHERE shard = 1"},
  };
  const std::vector<std::string> of_lease{"owner = 'w'",  "owner_process = 'p'", "claimant = 'w'",
                                          "epoch = 9",    "counter = 9",         "generation = 9",
                                          "checksum = 0", "checkpoint = 'at:6'", "checkpoint = ''"};
  for (const std::string& each : of_lease) {
    cases.push_back({"Lease" + std::to_string(cases.size()), "UPDATE leases SET " + each + " WHERE shard = 1"});
  }
  for (const std::string each : {"uuid = 'u'", "name = 'b'", "generation = 9", "created_at = 9", "checksum = 0"}) {
    cases.push_back({"Consumer" + std::to_string(cases.size()), "UPDATE consumers SET " + each});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Rows, DamagedConsumer, testing::ValuesIn(damages()),
                         [](const auto& each) { return each.param.name; });

TEST_F(Consumers, LeasesThatBelongToNothingAreFound) {
  make("a", {lease(0), lease(7)});
  EXPECT_EQ(findings(*stream_).size(), 1U) << "of a shard that is not there";
  test::RawDatabase(path_).exec("DELETE FROM consumers");
  EXPECT_EQ(findings(*stream_).size(), 2U) << "of a consumer that is not there";
}

}  // namespace
}  // namespace shardlog
