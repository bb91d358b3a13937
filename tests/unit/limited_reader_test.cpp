#include "shardlog/consuming/limited_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/manual_clock.h"
#include "support/memory_engine.h"
#include "support/stream_test.h"

namespace shardlog::consuming {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

/// A stream of one shard that gives some bytes or calls a second, and time that passes only when a test lets it.
class LimitedReading : public testing::Test {
 protected:
  LimitedReading() { clock_.freeze(); }

  void limit(const capacity::Limits& limits, std::uint32_t shards = 1) {
    CreateOptions options = test::of_shards(shards);
    options.settings.limits = limits;
    engine_.create("s", options, clock_);
    stream_ = engine_.open("s", {Access::write}, clock_);
    own_ = allowance_of_reader(*stream_, clock_);
    meter_.emplace(*stream_, clock_, "");
  }

  void put(const Lines& data, std::uint32_t shard = 0) {
    const RoutedBatch batch = test::batch_of(shard, data);
    stream_->append({{&batch, 1}});
  }

  LimitedReader reader(ReadAllowance& allowance, bool follow = false) {
    return {stream_->read({.shards = {}, .until = {}, .follow = follow}), allowance, *meter_, clock_,
            [this](const Throttling& why) { told_.push_back(why.calls ? "calls" : "bytes"); }};
  }

  /// The records of one next().
  static Lines read(LimitedReader& reader) {
    std::vector<test::Delivered> records;
    test::add_to(records, reader.next(test::any_budget).batches);
    return test::data_of(records);
  }

  /// The records that come in this time, looked for as soon as the reader says.
  Lines read_for(LimitedReader& reader, Duration time) {
    const Duration end = clock_.elapsed() + time;
    Lines all;
    while (true) {
      const Lines some = read(reader);
      all.insert(all.end(), some.begin(), some.end());
      if (!some.empty()) continue;
      if (reader.throttled_for() == 0s || clock_.elapsed() + reader.throttled_for() > end) return all;
      clock_.let_pass(reader.throttled_for());
    }
  }

  static Lines numbered(int first, int last) {
    Lines lines;
    for (int i = first; i <= last; ++i) lines.push_back(std::to_string(1000 + i));
    return lines;
  }

  test::ManualClock clock_;
  test::MemoryEngine engine_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<ReadAllowance> own_;
  std::optional<ReadMeter> meter_;
  Lines told_;
};

TEST_F(LimitedReading, ABatchIsHandedOutAsItsBytesAreEarned) {
  limit({.read_bytes = 40});
  put(numbered(1, 25));
  LimitedReader reader = this->reader(*own_);
  EXPECT_EQ(read(reader), numbered(1, 10)) << "a second's worth, of 4 bytes each";
  EXPECT_EQ(read(reader), Lines());
  EXPECT_EQ(reader.throttled_for(), 100ms) << "not a byte at a time";
  clock_.let_pass(100ms);
  EXPECT_EQ(read(reader), numbered(11, 11));
  EXPECT_EQ(read_for(reader, 900ms), numbered(12, 20));
  EXPECT_EQ(read_for(reader, 10s), numbered(21, 25));
  EXPECT_TRUE(reader.next(1).at_end);
  EXPECT_EQ(reader.throttled_for(), 0s);
}

TEST_F(LimitedReading, ARecordOfManySecondsGetsThroughAndTheNextWaits) {
  limit({.read_bytes = 10});
  put({std::string(50, 'x'), "y"});
  LimitedReader reader = this->reader(*own_);
  EXPECT_EQ(read(reader), Lines{std::string(50, 'x')});
  EXPECT_EQ(read_for(reader, 3s), Lines());
  EXPECT_EQ(read_for(reader, 1200ms), Lines{"y"});
}

TEST_F(LimitedReading, TheEndComesAfterAllRecords) {
  limit({.read_bytes = 4});
  put(numbered(1, 2));
  test::split(*stream_, 0);
  LimitedReader reader = this->reader(*own_);
  ReadResult result = reader.next(test::any_budget);
  EXPECT_EQ(result.batches.at(0).count, 1U);
  EXPECT_FALSE(result.at_end);
  EXPECT_TRUE(result.ended.empty());
  clock_.let_pass(1s);
  result = reader.next(test::any_budget);
  EXPECT_EQ(result.batches.at(0).first, 1U);
  EXPECT_TRUE(result.at_end);
  EXPECT_EQ(result.ended, std::vector{ShardId(0)});
}

TEST_F(LimitedReading, ACallIsAllThatIsReadWithoutAPause) {
  limit({.read_calls = 2});
  for (int i = 0; i < 5; ++i) put(numbered(i, i));
  LimitedReader reader = this->reader(*own_, true);
  EXPECT_EQ(read_for(reader, 0s), numbered(0, 4)) << "one call";
  put({"second"});
  EXPECT_EQ(read_for(reader, 0s), Lines{"second"});
  EXPECT_EQ(read_for(reader, 0s), Lines()) << "a look that finds nothing costs nothing";
  put({"third"});
  put({"with it"});
  EXPECT_EQ(read(reader), Lines());
  EXPECT_EQ(reader.throttled_for(), 500ms);
  clock_.let_pass(500ms);
  EXPECT_EQ(read_for(reader, 0s), (Lines{"third", "with it"}));
}

TEST_F(LimitedReading, ACallReadsTenMebibytes) {
  limit({.read_calls = 2});
  const std::string mebibyte(1UL << 20, 'x');
  for (int i = 0; i < 25; ++i) put({mebibyte});
  LimitedReader reader = this->reader(*own_);
  EXPECT_EQ(read_for(reader, 0s).size(), 20U);
  EXPECT_EQ(read_for(reader, 500ms).size(), 5U);
}

TEST_F(LimitedReading, EachShardHasItsOwnCapacityAndTheOrderIsKept) {
  limit({.read_bytes = 40}, 2);
  put(numbered(1, 5));
  put(numbered(6, 15), 1);
  put(numbered(16, 25));
  put(numbered(26, 26), 1);
  LimitedReader reader = this->reader(*own_);
  EXPECT_EQ(read(reader), numbered(1, 20));
  EXPECT_EQ(read_for(reader, 500ms), numbered(21, 26));
}

TEST_F(LimitedReading, ATimeOfThrottlingIsToldOnceItLastsASecond) {
  limit({.read_bytes = 40, .read_calls = 100});
  put(numbered(1, 15));
  LimitedReader reader = this->reader(*own_, true);
  read_for(reader, 900ms);
  EXPECT_EQ(told_, Lines()) << "half a second";
  put(numbered(1, 60));
  read_for(reader, 10s);
  EXPECT_EQ(told_, Lines{"bytes"});
  put(numbered(1, 60));
  read_for(reader, 10s);
  EXPECT_EQ(told_.size(), 2U);
}

TEST_F(LimitedReading, ConsumersTakeTurns) {
  limit({.read_bytes = 400});
  for (int i = 0; i < 30; ++i) put(numbered(1, 100));
  const auto one = allowance_of_consumer(*stream_, clock_);
  const auto other = allowance_of_consumer(*stream_, clock_);
  LimitedReader first = reader(*one);
  LimitedReader second = reader(*other);
  EXPECT_EQ(read(first).size(), 100U) << "all that there is";
  EXPECT_EQ(read(second), Lines());
  EXPECT_GE(second.throttled_for(), 500ms);
  EXPECT_LE(second.throttled_for(), 700ms);
  clock_.let_pass(450ms);
  EXPECT_EQ(read(first), Lines()) << "not before its time, though there is some";
  std::size_t both = 0;
  for (int i = 0; i < 1000; ++i) {
    clock_.let_pass(10ms);
    both += read(first).size() + read(second).size();
  }
  // 100 a second for 10.45 s. What was earned since somebody last took is left at the end: a second's at most.
  EXPECT_LE(both, 1045U);
  EXPECT_GE(both, 945U);
}

TEST_F(LimitedReading, AConsumerThatEndsLeavesWhatItHoldsAndOwes) {
  limit({.read_bytes = 400});
  put({std::string(600, 'x'), "y"});
  const auto one = allowance_of_consumer(*stream_, clock_);
  LimitedReader first = reader(*one);
  EXPECT_EQ(read(first).size(), 1U);
  one->end();
  ReadCapacity::Share share{ShardId(0), {}};
  stream_->read_capacity().top_up({&share, 1});
  EXPECT_EQ(share.held.bytes, 0);
  clock_.let_pass(750ms);
  stream_->read_capacity().top_up({&share, 1});
  EXPECT_NEAR(share.held.bytes, 0.25, 1e-6) << "half a second was owed";
  EXPECT_NEAR(share.held.count, 1, 1e-6) << "calls are not limited, so none was spent";
}

TEST_F(LimitedReading, NewLimitsReachAReaderThatWaits) {
  limit({.read_bytes = 1});
  put(numbered(1, 100));
  const auto shared = allowance_of_consumer(*stream_, clock_);
  for (ReadAllowance* allowance : {own_.get(), shared.get()}) {
    SettingsChange change;
    change.limits.read_bytes = 1;
    stream_->maintenance().update(change);
    LimitedReader reader = this->reader(*allowance);
    EXPECT_EQ(read_for(reader, 1500ms).size(), 1U);
    change.limits.read_bytes = std::optional<std::uint64_t>();
    stream_->maintenance().update(change);
    EXPECT_EQ(read_for(reader, 1500ms).size(), 99U);
  }
}

}  // namespace
}  // namespace shardlog::consuming
