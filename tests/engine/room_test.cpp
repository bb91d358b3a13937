#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "engine/raw_database.h"
#include "engine/watched_vfs.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;

/// A stream of at most 1 MiB, in which the oldest records make room for new ones.
class RoomTest : public test::StreamTest {
 protected:
  RoomTest() {
    clock_.set(Timestamp(std::chrono::floor<std::chrono::hours>(clock_.now())));
    create_without_segments();
    writer_ = open_to_write();
    writer_->maintenance().update({.max_bytes = most, .when_full = WhenFull::trim});
  }

  /// Batches of one record, in one commit.
  void put_batches(std::size_t count, std::size_t size = record_size) {
    std::vector<RoutedBatch> batches;
    for (std::size_t i = 0; i < count; ++i) batches.push_back(test::batch_of(0, {std::string(size, 'x')}));
    ASSERT_TRUE(test::append_all(*writer_, batches, Sync::normal));
  }

  std::int64_t number(const std::string& query) { return test::RawDatabase(path_).number(query); }
  std::int64_t trimmed() { return number("SELECT batch FROM trim_horizon"); }
  std::size_t held() { return record_size * static_cast<std::size_t>(number("SELECT count(*) FROM batches")); }

  static constexpr std::size_t most = test::mebibyte;
  static constexpr std::size_t record_size = 1000;
  static constexpr std::size_t fills = most / record_size;

  test::WatchedVfs vfs_;
  std::unique_ptr<Stream> writer_;
};

TEST_F(RoomTest, IsMadeForTheNextAppendsTooSoThatMostOfThemTrimNothing) {
  put_batches(fills);
  int trims = 0;
  std::int64_t before = trimmed();
  for (int i = 0; i < 40; ++i) {
    put_batches(1);
    const std::int64_t now = trimmed();
    trims += now > before ? 1 : 0;
    before = now;
    EXPECT_LE(held(), most);
    EXPECT_GE(held() + record_size, most - most / 100) << "a hundredth may go too early";
  }
  EXPECT_GE(trims, 1);
  EXPECT_LE(trims, 4);
}

TEST_F(RoomTest, CostsLittleWhereTheStreamIsAlwaysFull) {
  const auto written_by = [this](int appends) {
    test::CallLog calls(vfs_);
    for (int i = 0; i < appends; ++i) put_batches(1);
    return calls.count(test::DatabaseFile::log, test::FileCall::write);
  };
  put_batches(fills / 2);
  const int before = written_by(40);
  put_batches(fills / 2);
  const int full = written_by(40);
  EXPECT_LT(full, before + before / 2) << "pages, of 40 appends";
}

TEST_F(RoomTest, ThatIsNeededAtOnceIsMadeHoweverMuchThatIs) {
  put_batches(fills);
  put_batches(1, most / 2);
  EXPECT_EQ(number("SELECT max(data_bytes) FROM batches"), most / 2);
  EXPECT_LE(number("SELECT sum(data_bytes) FROM batches"), most);
  EXPECT_GE(number("SELECT sum(data_bytes) FROM batches"), most - most / 100 - record_size);
}

TEST_F(RoomTest, IsMadeWithoutRollingUpMetrics) {
  std::vector<metrics::Period> minutes;
  for (int i = 0; i < 5; ++i, clock_.step(1min)) {
    minutes.push_back({Timestamp(std::chrono::floor<std::chrono::minutes>(clock_.now())), 1min, {}});
    minutes.back().measures.put.add(1ms);
  }
  ASSERT_TRUE(writer_->metrics().add(minutes));
  clock_.step(25h);
  put_batches(fills);
  put_batches(1);
  EXPECT_GT(trimmed(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM metrics WHERE span = 60000000"), 6) << "with the minute of what was trimmed";
  EXPECT_EQ(number("SELECT count(*) FROM metrics WHERE span = 3600000000"), 0);
}

}  // namespace
}  // namespace shardlog
