#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/worker.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::wait_until;

/// Counts what it gets, and deals with it at once.
class Counter final : public consuming::Delivery {
 public:
  bool deliver(const consuming::Batch& batch, consuming::Lifeline& /*lifeline*/) override {
    const std::lock_guard guard(mutex_);
    for (const consuming::Slice& slice : batch.slices) {
      std::size_t place = 0;
      for (const Record& record : slice.stored->records) {
        if (place >= slice.first && place < slice.first + slice.count) got_.emplace_back(record.data);
        ++place;
      }
    }
    processed_.push_back({batch.shard, batch.last_sequence()});
    return true;
  }
  bool tell(const Gap& /*gap*/) override { return true; }
  std::vector<consuming::Processed> processed() override { return std::exchange(processed_, {}); }
  void flush(consuming::Lifeline& /*lifeline*/) override {}
  void finish(consuming::Lifeline& /*lifeline*/) override {}

  std::vector<std::string> got() {
    const std::lock_guard guard(mutex_);
    return got_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> got_;
  std::vector<consuming::Processed> processed_;
};

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
    Counter counter;
    consuming::WorkerOptions options;
    options.consumer = name;
    options.worker = "w";
    const auto stream = open_to_write();
    EXPECT_FALSE(consuming::run_worker(options, *stream, counter, system_, stop_.get_token()).missed_records);
    return counter.got();
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
  Counter counter_;
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
  SettingsChange change;
  change.retention = 10s;
  writer_->maintenance().update(change);
  consuming::make_consumer(*writer_, "later", AtTime{clock_.now() + 1min}, clock_);
  put(*writer_, 0, {"a"});
  clock_.step(2min);
  put(*writer_, 0, {"b"});
  EXPECT_EQ(read_as("later"), Lines{"b"});
}

TEST_F(ConsumerWorker, ResumesWhereItStoppedAndReadsParentsFirst) {
  put(*writer_, 0, {"a", "b"});
  run(counter_, "w", false);
  put(*writer_, 0, {"c"});
  put(*writer_, 1, {"d"});
  merge();
  put(*writer_, 2, {"e"});
  run(counter_, "w", false);
  EXPECT_EQ(counter_.got(), (Lines{"a", "b", "c", "d", "e"}));
  ASSERT_EQ(leases().size(), 1U);
  EXPECT_EQ(leases()[0].shard, ShardId(2));
  EXPECT_EQ(leases()[0].owner, std::nullopt);
}

TEST_F(ConsumerWorker, SharesWithAnotherThatFollowsAndLosesNothing) {
  constexpr int each = 100;
  Counter other;
  std::jthread one([this] { run(counter_, "w1", true); });
  std::jthread two([&] { run(other, "w2", true); });
  for (int i = 0; i < each; ++i) {
    for (const std::uint32_t shard : {0U, 1U}) put(*writer_, shard, {std::to_string(i)}, Sync::normal);
  }
  const auto is_shared = [this] {
    const auto all = leases();
    return all[0].owner && all[1].owner && all[0].owner->worker != all[1].owner->worker;
  };
  EXPECT_TRUE(wait_until(is_shared));
  EXPECT_TRUE(wait_until([&] { return counter_.got().size() + other.got().size() == 2 * each; }));
  stop_.request_stop();
  one.join();
  two.join();
  EXPECT_EQ(counter_.got().size() + other.got().size(), 2U * each) << "and nothing twice";
  for (const Lease& lease : leases()) {
    EXPECT_EQ(lease.owner, std::nullopt);
    EXPECT_EQ(lease.checkpoint, Checkpoint(AfterSequence{SequenceNumber(each)}));
  }
}

TEST_F(ConsumerWorker, WithoutAShardIsWokenWhenOneBecomesFree) {
  merge();
  Counter other;
  std::stop_source stop_of_one;
  std::jthread one([&] {
    consuming::WorkerOptions options{"billing", "w1"};
    options.follow = true;
    options.lease_duration = 1h;
    const auto stream = open_to_write();
    consuming::run_worker(options, *stream, counter_, system_, stop_of_one.get_token());
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
  ASSERT_TRUE(wait_until([this] { return !counter_.got().empty(); }));
  stop_of_one.request_stop();
  one.join();
  put(*writer_, 2, {"b"});
  EXPECT_TRUE(wait_until([&] { return other.got() == Lines{"b"}; }));
  stop_.request_stop();
}

}  // namespace
}  // namespace shardlog
