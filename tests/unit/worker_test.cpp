#include "shardlog/consuming/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <string>
#include <thread>

#include "shardlog/consuming/consumer.h"
#include "support/manual_clock.h"
#include "support/memory_engine.h"
#include "support/notes.h"
#include "support/refusal.h"
#include "support/shards.h"
#include "support/wait_until.h"

namespace shardlog::consuming {
namespace {

using namespace std::chrono_literals;
using test::refusal;
using test::wait_until;
using Lines = std::vector<std::string>;

/// What several deliveries got, in the order in which they got it.
struct Log {
  std::mutex mutex;
  Lines lines;  ///< the data of records, "gap first-last", and "|" behind each batch

  void add(const std::string& line) {
    const std::lock_guard guard(mutex);
    lines.push_back(line);
  }
  Lines records() {
    const std::lock_guard guard(mutex);
    Lines result;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(result),
                 [](const std::string& line) { return line != "|"; });
    return result;
  }
  Lines sorted_records() {
    Lines result = records();
    std::sort(result.begin(), result.end());
    return result;
  }
};

class Recorder final : public Delivery {
 public:
  explicit Recorder(Log& log) : log_(log) {}

  std::function<void(const Batch&, Lifeline&)> on_batch;  ///< before it counts
  std::size_t most_batches = 1'000'000;                   ///< then no more are wanted
  bool deals_at_once = true;                              ///< or when it is told to finish

  bool deliver(const Batch& batch, Lifeline& lifeline) override {
    if (on_batch) on_batch(batch, lifeline);
    for (const std::string& data : test::data_of(batch.slices)) log_.add(data);
    log_.add("|");
    (deals_at_once ? processed_ : begun_).push_back({batch.shard, batch.last_sequence()});
    return ++batches_ < most_batches;
  }
  bool tell(const Gap& gap) override {
    log_.add("gap " + gap.first.to_string() + "-" + gap.last.to_string());
    return true;
  }
  bool wants_more() override { return !gone; }
  std::vector<Processed> processed() override {
    if (dealing_.exchange(false)) processed_.insert(processed_.end(), begun_.begin(), begun_.end());
    return std::exchange(processed_, {});
  }
  void flush(Lifeline& /*lifeline*/) override { ++flushes; }
  void finish(Lifeline& /*lifeline*/) override {
    if (!gone) processed_.insert(processed_.end(), begun_.begin(), begun_.end());
  }

  /// From another thread: all that was delivered so far is dealt with.
  void deal() { dealing_ = true; }

  std::atomic<int> flushes = 0;
  std::atomic<bool> gone = false;  ///< who takes the records, for good

 private:
  Log& log_;
  std::size_t batches_ = 0;
  std::atomic<bool> dealing_ = false;
  std::vector<Processed> processed_;
  std::vector<Processed> begun_;
};

class WorkerTest : public testing::Test {
 protected:
  explicit WorkerTest(std::uint32_t shards = 2) : store_(shards) {
    make_consumer(stream_, "billing", TrimHorizon{}, clock_);
  }

  WorkerReport run(Delivery& delivery, const WorkerOptions& options = {"billing", "w"}) {
    test::MemoryStream stream(store_);
    return run_worker(options, stream, delivery, clock_, stop_.get_token());
  }
  static WorkerOptions following(const std::string& name = "w") {
    return {.consumer = "billing", .worker = name, .follow = true};
  }

  std::vector<Lease> leases() { return stream_.leases().find("billing").value().leases; }
  Lease lease(std::size_t place) { return leases().at(place); }
  Checkpoint checkpoint(std::size_t place) { return lease(place).checkpoint; }
  static Checkpoint after(std::uint64_t sequence) { return AfterSequence{SequenceNumber(sequence)}; }

  // Of the first shard, for a worker of another machine.

  void give_lease_to(const std::string& worker) {
    Lease taken = lease(0);
    taken.owner = LeaseOwner{worker, "another-boot/1/1/1"};
    ++taken.epoch;
    change_lease(taken);
  }
  void claim_lease(const std::string& worker) {
    Lease claimed = lease(0);
    claimed.claimant = LeaseOwner{worker, "another-boot/1/1/1"};
    change_lease(claimed);
  }
  void change_lease(const Lease& after) {
    const LeaseChange change{lease(0), after};
    ASSERT_TRUE(stream_.leases().change(stream_.leases().find("billing")->uuid, {&change, 1}));
  }

  void merge() { store_.reshard({{ShardId(0), ShardId(1)}, {{ShardId(2), test::all_keys, ShardId(0), ShardId(1)}}}); }

  SystemClock clock_;
  test::MemoryStore store_;
  test::MemoryStream stream_{store_};
  Log log_;
  Recorder recorder_{log_};
  std::stop_source stop_;
};

TEST_F(WorkerTest, DeliversEverythingAndLeavesItsLeasesFree) {
  store_.put(0, {"a", "b"});
  store_.put(0, {"c"});
  const WorkerReport report = run(recorder_);
  EXPECT_EQ(log_.lines, (Lines{"a", "b", "c", "|"}));
  EXPECT_FALSE(report.missed_records || report.refused);
  EXPECT_EQ(checkpoint(0), after(3));
  EXPECT_EQ(lease(0).owner, std::nullopt);
  store_.put(0, {"d"});
  run(recorder_);
  EXPECT_EQ(log_.records(), (Lines{"a", "b", "c", "d"}));
}

TEST_F(WorkerTest, EndsWhereTheStreamEndedAtTheStart) {
  store_.put(0, {"a"});
  recorder_.on_batch = [this](const Batch&, Lifeline&) {
    store_.put(0, {"b"});
    store_.put(1, {"c"});
  };
  run(recorder_);
  EXPECT_EQ(log_.records(), Lines{"a"});
}

TEST_F(WorkerTest, EndsThereInAShardThatItBeginsToReadLater) {
  store_.put(0, {"a"});
  merge();
  store_.put(2, {"b", "c"});
  recorder_.on_batch = [this](const Batch& batch, Lifeline&) {
    if (batch.shard == ShardId(0)) store_.put(2, {"d"});
  };
  run(recorder_);
  EXPECT_EQ(log_.records(), (Lines{"a", "b", "c"}));
  EXPECT_EQ(checkpoint(0), after(3));
}

TEST_F(WorkerTest, ReadsEverythingIfTheWorkersThatBeganWithItDoNothing) {
  store_.put(0, {"a"});
  store_.put(1, {"b"});
  run(recorder_, {.consumer = "billing", .worker = "w", .workers = 2});
  EXPECT_EQ(log_.sorted_records(), (Lines{"a", "b"}));
}

TEST_F(WorkerTest, CutsBatches) {
  store_.put(0, {"a", "b", "c", "d", "e"});
  run(recorder_, {.consumer = "billing", .worker = "w", .batch = {.records = 2}});
  EXPECT_EQ(log_.lines, (Lines{"a", "b", "|", "c", "d", "|", "e", "|"}));
}

TEST_F(WorkerTest, ReadsParentsBeforeTheirChildAndFinishesThem) {
  store_.put(0, {"a"});
  store_.put(1, {"b"});
  merge();
  store_.put(2, {"c"});
  run(recorder_);
  EXPECT_EQ(log_.records(), (Lines{"a", "b", "c"}));
  EXPECT_EQ(leases().size(), 1U);
  EXPECT_EQ(lease(0).shard, ShardId(2));
  EXPECT_EQ(checkpoint(0), after(2));
}

TEST_F(WorkerTest, DoesNotReadAChildThatOpensMeanwhile) {
  store_.put(0, {"a"});
  recorder_.on_batch = [this](const Batch&, Lifeline&) {
    merge();
    store_.put(2, {"c"});
  };
  run(recorder_);
  EXPECT_EQ(log_.records(), Lines{"a"});
}

TEST_F(WorkerTest, TellsOfAGapAndGoesOnAfterIt) {
  store_.put(0, {"a", "b", "c", "d"});
  seek_consumer(stream_, "billing", AtSequence{SequenceNumber(1)}, ShardId(0), {.make = true}, clock_);
  store_.trim(0, 3);
  const WorkerReport report = run(recorder_);
  EXPECT_TRUE(report.missed_records);
  EXPECT_EQ(log_.records(), (Lines{"gap 1-2", "c", "d"}));
}

TEST_F(WorkerTest, CountsAGapAtTheEndAsRead) {
  store_.put(0, {"a", "b"});
  seek_consumer(stream_, "billing", AtSequence{SequenceNumber(1)}, ShardId(0), {.make = true}, clock_);
  store_.trim(0, 3);
  EXPECT_TRUE(run(recorder_).missed_records);
  EXPECT_EQ(checkpoint(0), after(2));
  EXPECT_FALSE(run(recorder_).missed_records);
}

TEST_F(WorkerTest, EndsWhenNoMoreIsWanted) {
  store_.put(0, {"a", "b", "c"});
  recorder_.most_batches = 2;
  EXPECT_TRUE(run(recorder_, {.consumer = "billing", .worker = "w", .batch = {.records = 1}}).refused);
  EXPECT_EQ(log_.records(), (Lines{"a", "b"}));
  EXPECT_EQ(checkpoint(0), after(2));
}

TEST_F(WorkerTest, EndsWhenDeliveredRecordsWillNeverBeProcessed) {
  recorder_.deals_at_once = false;
  for (const bool follow : {false, true}) {
    recorder_.gone = false;
    store_.put(0, {"a"});
    WorkerReport report;
    auto worker = std::async(std::launch::async, [&] {
      report = run(recorder_, follow ? following() : WorkerOptions{"billing", "w"});
    });
    ASSERT_TRUE(wait_until([this] { return recorder_.flushes > 0; }));
    recorder_.gone = true;
    worker.get();
    EXPECT_TRUE(report.refused);
    EXPECT_EQ(checkpoint(0), Checkpoint(TrimHorizon{}));
    EXPECT_EQ(lease(0).owner, std::nullopt);
    recorder_.flushes = 0;
  }
}

TEST_F(WorkerTest, MovesTheCheckpointOnlyPastProcessedRecords) {
  store_.put(0, {"a", "b"});
  recorder_.on_batch = [](const Batch& batch, Lifeline&) {
    if (batch.first_sequence() == SequenceNumber(2)) throw Error(ErrorCode::io, "write: broken");
  };
  EXPECT_EQ(refusal([&] { run(recorder_, {.consumer = "billing", .worker = "w", .batch = {.records = 1}}); }),
            ErrorCode::io);
  EXPECT_EQ(checkpoint(0), after(1));
  EXPECT_EQ(lease(0).owner, std::nullopt) << "given back all the same";
}

/// What is measured of the consumer.
metrics::ReaderMeasures measured(Stream& stream) {
  metrics::Measures sum;
  for (const metrics::Period& each : stream.metrics().history(Timestamp::min(), Timestamp::max())) {
    sum += each.measures;
  }
  return sum.readers[stream.leases().find("billing")->uuid];
}

TEST_F(WorkerTest, CountsAsProcessedOnlyWhatItsCheckpointHasPassed) {
  store_.put(0, {"a", "b", "c"});
  recorder_.most_batches = 2;
  run(recorder_, {.consumer = "billing", .worker = "w", .batch = {.records = 1}});
  EXPECT_EQ(measured(stream_).out.records, 3U) << "it reads ahead";
  EXPECT_EQ(measured(stream_).processed, 2U);
  Recorder fails(log_);
  fails.gone = true;
  fails.deals_at_once = false;
  run(fails);
  EXPECT_EQ(measured(stream_).out.records, 4U);
  EXPECT_EQ(measured(stream_).processed, 2U) << "what was read again and not processed";
  Recorder succeeds(log_);
  run(succeeds);
  EXPECT_EQ(measured(stream_).processed, 3U);
}

TEST_F(WorkerTest, CountsAsProcessedWhatWasDeliveredBeforeAnotherWorkerClaimedTheShard) {
  store_.put(0, {"a"});
  store_.put(1, {"b"});
  recorder_.deals_at_once = false;
  recorder_.most_batches = 2;
  recorder_.on_batch = [this](const Batch& batch, Lifeline& lifeline) {
    if (batch.shard != ShardId(0)) return;
    claim_lease("other");
    const std::uint64_t counter = lease(0).counter;
    while (lease(0).counter == counter) {
      std::this_thread::sleep_for(std::min(lifeline.until_due(), Duration(1ms)));
      if (lifeline.until_due() == 0us) lifeline.tend();
    }
  };
  run(recorder_, {.consumer = "billing", .worker = "w", .lease_duration = 30ms});
  EXPECT_EQ(log_.records(), (Lines{"a", "b"}));
  EXPECT_EQ(checkpoint(0), after(1));
  EXPECT_EQ(measured(stream_).processed, 2U);
}

TEST_F(WorkerTest, AddsWhatItHasMeasuredWhileABatchTakesLong) {
  test::ManualClock clock;
  clock.freeze();
  store_.put(0, {"a"});
  recorder_.on_batch = [&](const Batch&, Lifeline& lifeline) {
    EXPECT_EQ(measured(stream_).out.records, 0U);
    clock.let_pass(10s);
    ASSERT_EQ(lifeline.until_due(), 0us);
    lifeline.tend();
    EXPECT_EQ(measured(stream_).out.records, 1U);
  };
  test::MemoryStream stream(store_);
  run_worker({.consumer = "billing", .worker = "w", .lease_duration = 1h}, stream, recorder_, clock, stop_.get_token());
  EXPECT_EQ(log_.records(), Lines{"a"});
}

TEST_F(WorkerTest, LeavesTheShardsOfALiveWorkerToIt) {
  store_.put(0, {"a"});
  store_.put(1, {"b"});
  std::optional<WorkerReport> report;
  recorder_.on_batch = [&](const Batch&, Lifeline&) {
    if (report) return;
    Recorder other(log_);
    report = run(other, {.consumer = "billing", .worker = "other"});
  };
  run(recorder_);
  ASSERT_EQ(report->left_to_others.size(), 2U);
  EXPECT_EQ(report->left_to_others[0].owner->worker, "w");
  EXPECT_EQ(log_.records(), (Lines{"a", "b"}));
}

TEST_F(WorkerTest, WaitsOneDurationForAWorkerNotKnownToBeAlive) {
  store_.put(0, {"a"});
  give_lease_to("lost");
  EXPECT_TRUE(run(recorder_, {.consumer = "billing", .worker = "w", .lease_duration = 50ms}).left_to_others.empty());
  EXPECT_EQ(log_.records(), Lines{"a"});
}

TEST_F(WorkerTest, IsFencedByTheWorkerThatTookOver) {
  store_.put(0, {"a"});
  recorder_.on_batch = [this](const Batch&, Lifeline&) { give_lease_to("thief"); };
  EXPECT_EQ(refusal([&] { run(recorder_); }), ErrorCode::fenced);
  EXPECT_EQ(checkpoint(0), Checkpoint(TrimHorizon{}));
  EXPECT_EQ(lease(0).owner->worker, "thief");
}

TEST_F(WorkerTest, KeepsItsLeaseWhileABatchTakesLong) {
  store_.put(0, {"a"});
  recorder_.on_batch = [this](const Batch&, Lifeline& lifeline) {
    const std::uint64_t counter = lease(0).counter;
    while (lease(0).counter < counter + 20) {
      std::this_thread::sleep_for(std::min(lifeline.until_due(), Duration(1ms)));
      if (lifeline.until_due() == 0us) lifeline.tend();
    }
  };
  run(recorder_, {.consumer = "billing", .worker = "w", .lease_duration = 30ms});
  EXPECT_EQ(checkpoint(0), after(1));
}

TEST_F(WorkerTest, FollowsThroughAReshardUntilItIsStopped) {
  auto worker = std::async(std::launch::async, [this] { run(recorder_, following()); });
  store_.put(0, {"a"});
  ASSERT_TRUE(wait_until([this] { return log_.records() == Lines{"a"}; }));
  merge();
  store_.put(2, {"b"});
  ASSERT_TRUE(wait_until([this] { return log_.records() == (Lines{"a", "b"}); }));
  stop_.request_stop();
  worker.get();
  EXPECT_GT(recorder_.flushes, 0);
  EXPECT_EQ(checkpoint(0), after(2));
  EXPECT_EQ(lease(0).owner, std::nullopt);
}

TEST_F(WorkerTest, EndsWhenNothingCameForTheIdleTime) {
  store_.put(0, {"a"});
  WorkerOptions options = following();
  options.idle_exit = 20ms;
  options.batch.wait = 1h;
  run(recorder_, options);
  EXPECT_EQ(log_.records(), Lines{"a"});
}

TEST_F(WorkerTest, CountsTheTimeOfTheDeliveryAsNoIdleTime) {
  store_.put(0, {"a"});
  WorkerOptions options = following();
  options.idle_exit = 20ms;
  bool is_first = true;
  recorder_.on_batch = [&](const Batch&, Lifeline&) {
    if (!std::exchange(is_first, false)) return;
    store_.put(0, {"b"});
    const Duration begun = clock_.elapsed();
    ASSERT_TRUE(wait_until([&] { return clock_.elapsed() - begun > 2 * *options.idle_exit; }));
  };
  run(recorder_, options);
  EXPECT_EQ(log_.records(), (Lines{"a", "b"}));
  EXPECT_EQ(checkpoint(0), after(2));
}

TEST_F(WorkerTest, IsNotIdleBeforeAllIsDealtWith) {
  store_.put(0, {"a"});
  recorder_.deals_at_once = false;
  WorkerOptions options = following();
  options.idle_exit = 0ms;
  auto worker = std::async(std::launch::async, [&] { run(recorder_, options); });
  ASSERT_TRUE(wait_until([this] { return recorder_.flushes > 0; }));
  store_.put(0, {"b"});
  recorder_.deal();
  ASSERT_TRUE(wait_until([this] { return recorder_.flushes > 1; }));
  recorder_.deal();
  worker.get();
  EXPECT_EQ(log_.records(), (Lines{"a", "b"}));
}

TEST_F(WorkerTest, LooksForShardsThatAreFreeBeforeItEnds) {
  WorkerOptions options = following();
  options.idle_exit = 0ms;
  options.workers = 2;  // so that it leaves one of the two shards to another, which never comes
  store_.put(0, {"a"});
  store_.put(1, {"b"});
  run(recorder_, options);
  EXPECT_EQ(log_.sorted_records(), (Lines{"a", "b"}));
}

TEST_F(WorkerTest, WaitsForABatchToBeFull) {
  WorkerOptions options = following();
  options.batch.records = 3;
  options.batch.wait = 1h;
  auto worker = std::async(std::launch::async, [&] { run(recorder_, options); });
  store_.put(0, {"a"});
  store_.put(0, {"b"});
  store_.put(0, {"c", "d"});
  ASSERT_TRUE(wait_until([this] { return log_.records().size() >= 3; }));
  stop_.request_stop();
  worker.get();
  EXPECT_EQ(log_.lines, (Lines{"a", "b", "c", "|"}));
  EXPECT_EQ(checkpoint(0), after(3));
}

TEST_F(WorkerTest, ChecksThatAllIsDealtWithBeforeItFinishesAShard) {
  recorder_.deals_at_once = false;
  store_.put(0, {"a"});
  merge();
  store_.put(2, {"b"});
  auto worker = std::async(std::launch::async, [this] { run(recorder_, following()); });
  ASSERT_TRUE(wait_until([this] { return log_.records() == Lines{"a"} && recorder_.flushes > 0; }));
  stop_.request_stop();
  worker.get();
  EXPECT_EQ(log_.records(), Lines{"a"});
  EXPECT_EQ(lease(0).shard, ShardId(2)) << "finished once the delivery was";
}

class ManyShards : public WorkerTest {
 protected:
  ManyShards() : WorkerTest(8) {}

  std::map<std::string, int> owners() {
    std::map<std::string, int> result;
    for (const Lease& each : leases()) ++result[each.owner ? each.owner->worker : ""];
    return result;
  }
};

TEST_F(ManyShards, AreEvenedOutWithoutDeliveringAnythingTwice) {
  constexpr int each = 200;
  Recorder other(log_);
  Recorder third(log_);
  std::vector<std::jthread> workers;
  workers.emplace_back([this] { run(recorder_, following("w1")); });
  ASSERT_TRUE(wait_until([this] { return owners()["w1"] == 8; }));
  std::jthread producer([this] {
    for (int i = 0; i < each; ++i) {
      for (std::uint32_t shard = 0; shard < 8; ++shard) {
        store_.put(shard, {std::to_string(shard) + "/" + std::to_string(i)});
      }
      std::this_thread::sleep_for(1ms);
    }
  });
  workers.emplace_back([&] { run(other, following("w2")); });
  ASSERT_TRUE(wait_until([this] { return owners()["w1"] == 4 && owners()["w2"] == 4; }));
  workers.emplace_back([&] { run(third, following("w3")); });
  ASSERT_TRUE(wait_until([this] {
    const auto loads = owners();
    return loads.size() == 3 && std::all_of(loads.begin(), loads.end(), [](const auto& load) {
             return !load.first.empty() && load.second >= 2 && load.second <= 3;
           });
  }));
  producer.join();
  ASSERT_TRUE(wait_until([this] { return log_.records().size() >= 8 * each; }));
  stop_.request_stop();
  workers.clear();
  std::map<std::string, int> next;
  for (const std::string& line : log_.records()) {
    const std::string shard = line.substr(0, line.find('/'));
    EXPECT_EQ(line, shard + "/" + std::to_string(next[shard]++));
  }
  for (const Lease& lease : leases()) {
    EXPECT_EQ(lease.checkpoint, after(each));
    EXPECT_EQ(lease.owner, std::nullopt);
  }
}

}  // namespace
}  // namespace shardlog::consuming
