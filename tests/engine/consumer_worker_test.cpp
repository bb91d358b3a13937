#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/shard_reader.h"
#include "shardlog/consuming/worker.h"
#include "support/notes.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::wait_until;

class ConsumerWorker : public test::StreamTest {
 protected:
  ConsumerWorker() {
    create(2);
    writer_ = open_to_write();
    consuming::make_consumer(*writer_, "billing", TrimHorizon{}, clock_);
  }

  consuming::WorkerReport run(consuming::Delivery& delivery, const std::string& name, bool follow) {
    consuming::WorkerOptions options;
    options.consumer = "billing";
    options.worker = name;
    options.follow = follow;
    const auto stream = open_to_write();
    return consuming::run_worker(options, *stream, delivery, system_, stop_.get_token());
  }

  /// Reads all that there is as another consumer, which is there already.
  std::vector<std::string> read_as(const std::string& name) {
    test::Notes notes;
    consuming::WorkerOptions options;
    options.consumer = name;
    options.worker = "w";
    const auto stream = open_to_write();
    EXPECT_FALSE(consuming::run_worker(options, *stream, notes, system_, stop_.get_token()).missed_records);
    return notes.lines();
  }

  std::vector<Lease> leases() { return writer_->leases().find("billing").value().leases; }

  void merge() {
    const StreamDescription description = writer_->describe();
    const HashRange all{HashKey(0), max_hash_key};
    ASSERT_TRUE(writer_->resharding().apply({{ShardId(0), ShardId(1)}, {{ShardId(2), all, ShardId(0), ShardId(1)}}},
                                            description.map.version()));
  }

  SystemClock system_;
  std::unique_ptr<Stream> writer_;
  test::Notes notes_;
  std::stop_source stop_;
};

TEST_F(ConsumerWorker, FromATimeToComeDeliversNothingThatArrivedBeforeIt) {
  const Timestamp time = clock_.now() + 2s;
  consuming::make_consumer(*writer_, "later", AtTime{time}, clock_);
  put(*writer_, 0, {"a"});
  EXPECT_EQ(read_as("later"), Lines{});
  put(*writer_, 1, {"b"});
  clock_.step(1s);
  EXPECT_EQ(read_as("later"), Lines{}) << "it is the same after any number of runs";
  merge();  // the child, too, waits for that time
  put(*writer_, 2, {"c"});
  EXPECT_EQ(read_as("later"), Lines{});
  EXPECT_EQ(read_as("later"), Lines{});
  clock_.step(1s);
  put(*writer_, 2, {"d"});
  EXPECT_EQ(read_as("later"), Lines{"d"});
  EXPECT_EQ(read_as("later"), Lines{});
}

TEST_F(ConsumerWorker, SeeksATimeToCome) {
  put(*writer_, 0, {"a"});
  consuming::seek_consumer(*writer_, "billing", AtTime{clock_.now() + 1s}, std::nullopt, {.make = true}, clock_);
  put(*writer_, 0, {"b"});
  EXPECT_EQ(read_as("billing"), Lines{});
  clock_.step(1s);
  put(*writer_, 0, {"c"});
  EXPECT_EQ(read_as("billing"), Lines{"c"});
}

TEST_F(ConsumerWorker, DoesNotMissWhatWasTrimmedBeforeItsTime) {
  writer_->maintenance().update({.retention = 10s});
  consuming::make_consumer(*writer_, "later", AtTime{clock_.now() + 1min}, clock_);
  put(*writer_, 0, {"a"});
  clock_.step(2min);
  put(*writer_, 0, {"b"});
  EXPECT_EQ(read_as("later"), Lines{"b"});
}

TEST_F(ConsumerWorker, ResumesWhereItStoppedAndReadsParentsFirst) {
  put(*writer_, 0, {"a", "b"});
  run(notes_, "w", false);
  put(*writer_, 0, {"c"});
  put(*writer_, 1, {"d"});
  merge();
  put(*writer_, 2, {"e"});
  run(notes_, "w", false);
  EXPECT_EQ(notes_.lines(), (Lines{"a", "b", "c", "d", "e"}));
  ASSERT_EQ(leases().size(), 1U);
  EXPECT_EQ(leases()[0].shard, ShardId(2));
  EXPECT_EQ(leases()[0].owner, std::nullopt);
}

TEST_F(ConsumerWorker, SharesWithAnotherThatFollowsAndLosesNothing) {
  constexpr int each = 100;
  test::Notes other;
  std::jthread one([this] { run(notes_, "w1", true); });
  std::jthread two([&] { run(other, "w2", true); });
  for (int i = 0; i < each; ++i) {
    for (const std::uint32_t shard : {0U, 1U}) put(*writer_, shard, {std::to_string(i)}, Sync::normal);
  }
  const auto is_shared = [this] {
    const auto all = leases();
    return all[0].owner && all[1].owner && all[0].owner->worker != all[1].owner->worker;
  };
  EXPECT_TRUE(wait_until(is_shared));
  EXPECT_TRUE(wait_until([&] { return notes_.lines().size() + other.lines().size() == 2 * each; }));
  stop_.request_stop();
  one.join();
  two.join();
  EXPECT_EQ(notes_.lines().size() + other.lines().size(), 2U * each) << "and nothing twice";
  for (const Lease& lease : leases()) {
    EXPECT_EQ(lease.owner, std::nullopt);
    EXPECT_EQ(lease.checkpoint, Checkpoint(AfterSequence{SequenceNumber(each)}));
  }
}

TEST_F(ConsumerWorker, LooksOnceMoreBeforeItWaitsWithoutAShard) {
  consuming::WorkerOptions options{"billing", "w"};
  options.follow = true;
  consuming::ShardReader reader(*writer_, options, system_, std::nullopt, [](const consuming::Throttling&) {});
  EXPECT_TRUE(reader.wait(20s, {})) << "a lease may have become free since it looked";
  EXPECT_FALSE(reader.wait(1ms, {}));
}

TEST_F(ConsumerWorker, WithoutAShardIsWokenWhenOneBecomesFree) {
  merge();
  test::Notes other;
  std::stop_source stop_of_one;
  std::jthread one([&] {
    consuming::WorkerOptions options{"billing", "w1"};
    options.follow = true;
    options.lease_duration = 1h;
    const auto stream = open_to_write();
    consuming::run_worker(options, *stream, notes_, system_, stop_of_one.get_token());
  });
  ASSERT_TRUE(wait_until([this] { return leases().size() == 1 && leases()[0].owner; }));
  std::jthread two([&] {
    consuming::WorkerOptions options{"billing", "w2"};
    options.follow = true;
    options.lease_duration = 1h;
    const auto stream = open_to_write();
    consuming::run_worker(options, *stream, other, system_, stop_.get_token());
  });
  put(*writer_, 2, {"a"});
  ASSERT_TRUE(wait_until([this] { return !notes_.lines().empty(); }));
  stop_of_one.request_stop();
  one.join();
  put(*writer_, 2, {"b"});
  EXPECT_TRUE(wait_until([&] { return other.lines() == Lines{"b"}; }));
  stop_.request_stop();
}

}  // namespace
}  // namespace shardlog
