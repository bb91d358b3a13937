#include "shardlog/producing/producer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <variant>

#include "support/manual_clock.h"
#include "support/memory_engine.h"
#include "support/stream_test.h"

namespace shardlog::producing {
namespace {

using namespace std::chrono_literals;

class ProducerTest : public testing::Test {
 protected:
  ProducerTest() {
    clock_.freeze();
    engine_.create("s", test::of_shards(1), clock_);
    stream_ = engine_.open("s", {Access::write}, clock_);
    store_ = engine_.store("s");
  }

  static bool put(Producer& producer, const std::string& data = "a") {
    const Record record{data, std::nullopt};
    return std::holds_alternative<RecordStored>(producer.put({&record, 1}).at(0));
  }

  test::ManualClock clock_;
  test::MemoryEngine engine_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<test::MemoryStore> store_;
};

TEST_F(ProducerTest, TellsThatRecordsAreStoredEvenIfThereIsNoMemoryToMeasureThem) {
  Producer producer(*stream_, clock_);
  int tries = 0;
  store_->on_measures = [&] {
    ++tries;
    throw std::bad_alloc();
  };
  EXPECT_TRUE(put(producer));
  clock_.let_pass(10s);
  EXPECT_TRUE(put(producer));
  EXPECT_EQ(tries, 1);
  store_->on_measures = nullptr;
}

TEST_F(ProducerTest, MeasuresNothingIfNothingIsStored) {
  {
    Producer producer(*stream_, clock_);
    EXPECT_FALSE(put(producer, std::string(default_max_record_size + 1, 'x')));
  }
  EXPECT_TRUE(stream_->metrics().history(Timestamp::min(), Timestamp::max()).empty());
}

TEST_F(ProducerTest, WritesWhatIsMeasuredWhileNothingIsPut) {
  const auto measured = [this] {
    std::uint64_t count = 0;
    for (const auto& period : stream_->metrics().history(Timestamp::min(), Timestamp::max())) {
      count += period.measures.put.count();
    }
    return count;
  };
  Producer producer(*stream_, clock_);
  EXPECT_TRUE(put(producer));
  producer.tend();
  EXPECT_EQ(measured(), 0U);
  clock_.let_pass(10s);
  producer.tend();
  EXPECT_EQ(measured(), 1U);
}

TEST_F(ProducerTest, KeepsToTheLimitsOfASecondAgo) {
  const auto limit = [this](std::optional<std::uint64_t> records) {
    SettingsChange change;
    change.limits.write_records = records;
    stream_->maintenance().update(change);
  };
  const auto stored_of = [](Producer& producer, std::size_t count) {
    std::size_t stored = 0;
    for (const RecordOutcome& outcome : producer.put(std::vector<Record>(count, {"a", "k"}), {}, 20ms)) {
      if (std::holds_alternative<RecordStored>(outcome)) ++stored;
    }
    return stored;
  };
  limit(100);
  Producer producer(*stream_, clock_);
  EXPECT_EQ(stored_of(producer, 10), 1U) << "what is earned in 10 ms";
  limit(1000);
  clock_.let_pass(1s);
  EXPECT_EQ(stored_of(producer, 100), 10U);
  limit(std::nullopt);
  clock_.let_pass(1s);
  EXPECT_EQ(stored_of(producer, 100), 100U);
  limit(100);
  EXPECT_EQ(stored_of(producer, 100), 100U) << "a stream without limits is not looked at, and had capacity";
}

}  // namespace
}  // namespace shardlog::producing
