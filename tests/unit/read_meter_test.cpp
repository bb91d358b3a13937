#include "shardlog/consuming/read_meter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shardlog/consuming/limited_reader.h"
#include "support/manual_clock.h"
#include "support/memory_engine.h"
#include "support/stream_test.h"

namespace shardlog::consuming {
namespace {

using namespace std::chrono_literals;
using metrics::Counts;
using metrics::ReaderMeasures;

/// A stream of two shards that a consumer follows, and time that passes only when a test lets it.
class ReadMeterTest : public testing::Test {
 protected:
  ReadMeterTest() {
    clock_.freeze();
    engine_.create("s", test::of_shards(2), clock_);
    stream_ = engine_.open("s", {Access::write}, clock_);
    allowance_ = allowance_of_reader(*stream_, clock_);
    meter_.emplace(*stream_, clock_, "consumer");
    reader_.emplace(stream_->read({.follow = true}), *allowance_, *meter_, clock_, [](const Throttling&) {});
  }

  void put(const std::vector<std::string>& data, std::uint32_t shard = 0) {
    const RoutedBatch batch = test::batch_of(shard, data);
    stream_->append({{&batch, 1}});
  }
  std::size_t read(std::size_t budget = test::any_budget) { return reader_->next(budget).batches.size(); }

  void pass(Duration time) {
    clock_.let_pass(time);
    clock_.step(time);
  }

  metrics::Measures measured() {
    meter_->finish();
    metrics::Measures sum;
    for (const metrics::Period& each : stream_->metrics().history(Timestamp::min(), Timestamp::max())) {
      sum += each.measures;
    }
    return sum;
  }
  ReaderMeasures reader() { return measured().readers["consumer"]; }

  test::ManualClock clock_;
  test::MemoryEngine engine_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<ReadAllowance> allowance_;
  std::optional<ReadMeter> meter_;
  std::optional<LimitedReader> reader_;
};

TEST_F(ReadMeterTest, CountsWhatAReadReturnsAndNothingElse) {
  EXPECT_EQ(read(), 0U);
  EXPECT_TRUE(measured().empty());
  put({"a", "bc"});
  put({"def"}, 1);
  put({"g"});
  EXPECT_EQ(read(), 3U);
  const metrics::Measures all = measured();
  EXPECT_EQ(all.shards.at(ShardId(0)).out, (Counts{3, 4, 1}));
  EXPECT_EQ(all.shards.at(ShardId(1)).out, (Counts{1, 3, 1}));
  EXPECT_EQ(all.readers.at("consumer").out, (Counts{4, 7, 1})) << "one read of both shards";
  EXPECT_EQ(all.readers.at("consumer").read.count(), 1U);
}

TEST_F(ReadMeterTest, MeasuresPropagationOnlyAtTheTail) {
  put({"a"});
  pass(1h);
  read();
  EXPECT_EQ(reader().propagation.count(), 0U) << "it was behind";
  EXPECT_EQ(reader().age.max(), 1h);
  read();
  put({"b", "c"});
  pass(5ms);
  read();
  EXPECT_EQ(reader().propagation.count(), 2U);
  EXPECT_EQ(reader().propagation.max(), 5ms);
  EXPECT_EQ(reader().age.count(), 3U);
}

TEST_F(ReadMeterTest, MeasuresNoPropagationOfAReaderThatFallsBehind) {
  read();
  put({std::string(100, 'a')});
  put({std::string(100, 'b')});
  put({std::string(100, 'c')});
  pass(1ms);
  read(50);
  EXPECT_EQ(reader().propagation.count(), 1U) << "more was there";
  pass(1min);
  read(50);
  EXPECT_EQ(reader().propagation.max(), 1ms);
  while (read() > 0) {
  }
  put({"d"});
  read();
  EXPECT_EQ(reader().propagation.count(), 2U) << "it has caught up";
}

TEST_F(ReadMeterTest, CountsAnArrivalAfterTheReadAsZero) {
  read();
  put({"a", "b"});
  clock_.step(-5s);
  read();
  EXPECT_EQ(reader().skewed, 2U);
  EXPECT_EQ(reader().propagation.max(), 0us);
  EXPECT_EQ(reader().age.count(), 2U);
}

TEST_F(ReadMeterTest, CountsEachWaitForCapacityOnce) {
  SettingsChange change;
  change.limits.read_calls = 5;
  stream_->maintenance().update(change);
  for (int i = 0; i < 7; ++i) {
    put({"a"});
    while (read() == 0 && reader_->throttled_for() > 0s) pass(reader_->throttled_for() / 2 + 1us);
    EXPECT_EQ(read(), 0U) << "the end of the call";
  }
  EXPECT_EQ(reader().out, (Counts{7, 7, 7}));
  EXPECT_EQ(reader().read.count(), 7U) << "also those that had to wait";
  EXPECT_EQ(reader().throttled, (Counts{0, 0, 2})) << "five at once";
  EXPECT_EQ(measured().shards.at(ShardId(0)).reads_throttled, (Counts{0, 0, 2}));
}

TEST_F(ReadMeterTest, CountsARequestOnceEvenIfItIsHandedOutInParts) {
  SettingsChange change;
  change.limits.read_bytes = 100;
  stream_->maintenance().update(change);
  put(std::vector<std::string>(50, std::string(100, 'a')));
  std::size_t parts = 0;
  for (int i = 0; i < 1000 && reader().out.records < 50; ++i) {
    parts += read();
    pass(reader_->throttled_for());
  }
  EXPECT_GT(parts, 1U);
  EXPECT_EQ(reader().out, (Counts{50, 5000, 1}));
  EXPECT_EQ(measured().shards.at(ShardId(0)).out, (Counts{50, 5000, 1}));
  EXPECT_EQ(reader().read.count(), 1U);
}

TEST_F(ReadMeterTest, WritesNothingAtTheEndOfAShortReadWithoutAConsumer) {
  meter_.emplace(*stream_, clock_, "");
  put({"a"});
  read();
  pass(1s - 1us);
  meter_->finish();
  EXPECT_TRUE(stream_->metrics().history(Timestamp::min(), Timestamp::max()).at(0).measures.readers.empty());
  pass(1us);
  meter_->finish();
  EXPECT_EQ(stream_->metrics().history(Timestamp::min(), Timestamp::max()).at(0).measures.readers.size(), 1U);
}

TEST_F(ReadMeterTest, WritesWhatItHasWhileItWaits) {
  put({"a"});
  read();
  pass(9s);
  EXPECT_FALSE(reader_->wait(0ms, {}));
  EXPECT_TRUE(stream_->metrics().history(Timestamp::min(), Timestamp::max()).at(0).measures.readers.empty());
  pass(1s);
  EXPECT_FALSE(reader_->wait(1ms, {}));
  EXPECT_EQ(stream_->metrics().history(Timestamp::min(), Timestamp::max()).at(0).measures.readers.size(), 1U);
}

}  // namespace
}  // namespace shardlog::consuming
