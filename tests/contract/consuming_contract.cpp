#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>

#include "contract/contract.h"
#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/lease_keeper.h"
#include "shardlog/consuming/limited_reader.h"
#include "shardlog/consuming/worker.h"
#include "support/notes.h"
#include "support/wait_until.h"

namespace shardlog::contract {
namespace {

using namespace consuming;
using test::Notes;

class ConsumingContract : public TwoShards {
 protected:
  /// A run of a worker, which ends where the stream ends.
  Lines run() {
    Notes notes;
    WorkerOptions options;
    options.consumer = "billing";
    options.worker = "w";
    options.lease_duration = 50ms;
    run_worker(options, *open(), notes, system_, {});
    return notes.lines();
  }
  Lines sorted_run() {
    Lines lines = run();
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  void begin_at(Position position) { ASSERT_TRUE(make_consumer(*stream_, "billing", position, clock_)); }
  Lease lease(std::size_t place) { return stream_->leases().find("billing").value().leases.at(place); }

  SystemClock system_;
};

TEST_P(ConsumingContract, DeliversEachRecordOnceInTheOrderOfItsShard) {
  begin_at(TrimHorizon{});
  put(*stream_, 0, {"a", "b"});
  put(*stream_, 0, {"c"});
  EXPECT_EQ(run(), (Lines{"a", "b", "c"}));
  const auto last = put(*stream_, 0, {"d", "e"}).back();
  put(*stream_, 1, {"x"});
  EXPECT_EQ(sorted_run(), (Lines{"d", "e", "x"}));
  EXPECT_EQ(lease(0).checkpoint, Checkpoint(AfterSequence{last}));
  EXPECT_EQ(lease(0).owner, std::nullopt);
  EXPECT_EQ(run(), Lines{});
}

TEST_P(ConsumingContract, GoesOnWithinABatch) {
  const auto numbers = put(*stream_, 0, {"a", "b", "c"});
  begin_at(TrimHorizon{});
  seek_consumer(*stream_, "billing", AfterSequence{numbers[0]}, shard(0), {}, clock_);
  EXPECT_EQ(run(), (Lines{"b", "c"}));
}

TEST_P(ConsumingContract, BeginsAtATimeThatHasCome) {
  put(*stream_, 0, {"a"});
  const Timestamp time = between();
  put(*stream_, 0, {"b"});
  begin_at(AtTime{time});
  EXPECT_EQ(run(), Lines{"b"});
}

TEST_P(ConsumingContract, BeginsAtATimeThatHasNotCome) {
  put(*stream_, 0, {"a"});
  const Timestamp time = soon();
  begin_at(AtTime{time});
  EXPECT_EQ(std::holds_alternative<AtTime>(lease(0).checkpoint), !can().latest_has_number);
  put(*stream_, 0, {"b"});
  EXPECT_EQ(run(), Lines{}) << "it arrived before";
  let_come(time);
  put(*stream_, 0, {"c"});
  EXPECT_EQ(run(), Lines{"c"});
  let_pass(-2min);
  put(*stream_, 0, {"d"});
  EXPECT_EQ(run(), Lines{"d"}) << "whenever that arrived";
}

TEST_P(ConsumingContract, BeginsAtLatestAsItWasWhenTheConsumerWasMade) {
  put(*stream_, 0, {"a"});
  let_pass(1min);
  begin_at(Latest{});
  EXPECT_EQ(std::holds_alternative<AtTime>(lease(0).checkpoint), !can().latest_has_number);
  EXPECT_EQ(run(), Lines{});
  let_pass(1min);
  put(*stream_, 0, {"b"});
  put(*stream_, 1, {"x"});
  EXPECT_EQ(sorted_run(), (Lines{"b", "x"})) << "however many runs found nothing before";
  put(*stream_, 0, {"c"});
  EXPECT_EQ(run(), Lines{"c"});
}

TEST_P(ConsumingContract, BeginsBeforeTheNewestRecords) {
  put(*stream_, 0, {"a", "b"});
  let_pass(1min);
  begin_at(LastRecords{1});
  let_pass(1min);
  put(*stream_, 1, {"x"});
  EXPECT_EQ(sorted_run(), (Lines{"b", "x"}));
}

TEST_P(ConsumingContract, FollowsUntilItIsStopped) {
  begin_at(TrimHorizon{});
  Notes notes;
  std::stop_source stop;
  auto worker = std::async(std::launch::async, [&] {
    WorkerOptions options;
    options.consumer = "billing";
    options.worker = "w";
    options.follow = true;
    run_worker(options, *open(), notes, system_, stop.get_token());
  });
  put(*stream_, 0, {"a"});
  EXPECT_TRUE(test::wait_until([&] { return notes.lines() == Lines{"a"}; }));
  test::split(*stream_, 0);
  put(*stream_, 2, {"b"});
  EXPECT_TRUE(test::wait_until([&] { return notes.lines() == (Lines{"a", "b"}); }));
  stop.request_stop();
  worker.get();
  EXPECT_EQ(run(), Lines{});
}

TEST_P(ConsumingContract, ReadsParentsBeforeTheirChildren) {
  begin_at(TrimHorizon{});
  put(*stream_, 0, {"a"});
  put(*stream_, 1, {"b"});
  test::merge(*stream_, 0, 1);
  put(*stream_, 2, {"c"});
  test::split(*stream_, 2);
  put(*stream_, 3, {"d"});
  Lines lines = run();
  ASSERT_EQ(lines.size(), 4U);
  std::sort(lines.begin(), lines.begin() + 2);
  EXPECT_EQ(lines, (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(lease(0).shard, shard(3));
}

TEST_P(ConsumingContract, IsToldOfAGapOnce) {
  begin_at(TrimHorizon{});
  put(*stream_, 0, {"a"});
  run();
  put(*stream_, 0, {"b", "c"});
  let_expire(*stream_);
  put(*stream_, 0, {"d"});
  EXPECT_EQ(run(), (Lines{"gap", "d"}));
  EXPECT_EQ(run(), Lines{});
}

TEST_P(ConsumingContract, ALeaseOfALongerDurationIsNotRobbed) {
  clock_.freeze();
  begin_at(TrimHorizon{});
  const auto elsewhere = [](const std::string& worker, Duration duration) {
    return LeaseOwner{worker, "another-host/1/1/1", duration};
  };
  LeaseKeeper owner(*stream_, clock_, {"billing", elsewhere("slow", 60s), true});
  owner.tend();
  ASSERT_EQ(owner.held().size(), 2U);
  const auto stream = open();
  LeaseKeeper observer(*stream, clock_, {"billing", elsewhere("fast", 3s), true});
  observer.tend();
  for (int i = 0; i < 19; ++i) {
    clock_.let_pass(3s);
    observer.tend();
  }
  EXPECT_EQ(observer.held().size(), 0U);
  EXPECT_EQ(lease(0).owner->worker, "slow");
  EXPECT_EQ(lease(0).owner->lease_duration, 60s);
  clock_.let_pass(4s);
  observer.tend();
  observer.take_the_rest();
  EXPECT_EQ(observer.held().size(), 2U) << "after its own";
  EXPECT_EQ(lease(0).epoch, 2U);
  EXPECT_EQ(refusal([&] { owner.tend(); }), ErrorCode::fenced);
}

TEST_P(ConsumingContract, MeasuresNoPropagationOfWhatItReadsLate) {
  if (!can().metrics) GTEST_SKIP();
  const auto allowance = allowance_of_reader(*stream_, clock_);
  ReadMeter meter(*stream_, clock_, "consumer");
  LimitedReader reader(stream_->read({.follow = true}), *allowance, meter, clock_, [](const Throttling&) {});
  const auto read = [&] {
    std::size_t records = 0;
    for (const StoredBatch& each : reader.next(test::any_budget).batches) records += each.count;
    return records;
  };
  EXPECT_EQ(read(), 0U);
  std::vector<RoutedBatch> batches;
  for (int i = 0; i < 5000; ++i) batches.push_back(test::batch_of(0, {"a"}));  // more than an engine may read at once
  ASSERT_TRUE(test::append_all(*stream_, batches, Sync::normal));
  let_pass(1ms);
  std::size_t records = 0;
  for (std::size_t more = read(); more > 0; more = read()) {
    records += more;
    let_pass(1min);
  }
  EXPECT_EQ(records, 5000U);
  meter.finish();
  metrics::ReaderMeasures measured;
  for (const auto& each : stream_->metrics().history(Timestamp::min(), Timestamp::max())) {
    const auto found = each.measures.readers.find("consumer");
    if (found != each.measures.readers.end()) measured += found->second;
  }
  EXPECT_EQ(measured.age.count(), 5000U);
  if (can().clock_of_caller) {
    EXPECT_EQ(measured.propagation.max(), 1ms);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, ConsumingContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract
