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

}  // namespace
}  // namespace shardlog::producing
