#include <gtest/gtest.h>
#include <sys/file.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "engine/forger.h"
#include "engine/raw_database.h"
#include "engine/watched_vfs.h"
#include "shardlog/sqlite/metrics_history.h"
#include "shardlog/sqlite/stored_value.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using metrics::Counts;
using metrics::Period;
using test::refusal;

class MetricsTest : public test::StreamTest {
 protected:
  MetricsTest() {
    clock_.set(Timestamp(std::chrono::floor<std::chrono::hours>(clock_.now())));
    create(2);
  }

  [[nodiscard]] Period minute_with(std::uint64_t reads) const {
    Period period{std::chrono::floor<std::chrono::minutes>(clock_.now()), 1min, {}};
    period.measures.shards[ShardId(0)].out = {reads, 10 * reads, 1};
    return period;
  }
  bool add(Stream& stream, std::uint64_t reads = 1) {
    const Period period = minute_with(reads);
    return stream.metrics().add({&period, 1});
  }

  std::vector<Period> history() {
    return open_to_read()->metrics().history(clock_.now() - 31 * 24h, clock_.now() + 1h);
  }
  /// In all periods together.
  Counts came_in(std::uint32_t shard = 0) {
    Counts sum;
    for (const Period& each : history()) {
      const auto found = each.measures.shards.find(ShardId(shard));
      if (found != each.measures.shards.end()) sum += found->second.in;
    }
    return sum;
  }

  std::string raw(const std::string& query) { return test::RawDatabase(path_).text(query); }
  std::string rows() { return raw("SELECT count(*) FROM metrics"); }
  /// How many are of minutes, and how many of hours, separated by a comma.
  std::string minutes_and_hours() {
    return raw("SELECT sum(span = 60000000) || ',' || sum(span = 3600000000) FROM metrics");
  }

  /// 150 minutes, a day ago.
  void add_minutes() {
    std::vector<Period> minutes;
    for (int i = 0; i < 150; ++i) {
      minutes.push_back(minute_with(1));
      clock_.step(1min);
    }
    ASSERT_TRUE(open_to_write()->metrics().add(minutes));
    EXPECT_EQ(minutes_and_hours(), "150,0");
    clock_.step(25h);
  }
};

TEST_F(MetricsTest, AreNotAddedWhileAnotherProcessHoldsTheLock) {
  const auto writer = open_to_write();
  const auto reader = open_to_read();
  const int lock = ::open(file("lock").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
  EXPECT_FALSE(add(*writer));
  EXPECT_FALSE(add(*reader));
  ::close(lock);
  EXPECT_EQ(rows(), "0");
  EXPECT_TRUE(add(*writer, 2));
  EXPECT_TRUE(add(*reader, 3));
  EXPECT_EQ(history().at(0).measures.shards.at(ShardId(0)).out, (Counts{5, 50, 2}));
}

TEST_F(MetricsTest, AreAddedWithoutASyncAndWithoutAWordToFollowers) {
  test::WatchedVfs vfs;
  const auto writer = open_to_write();
  const auto reader = open_to_read();
  put(*writer, 0, {"a"});
  const auto notice = writer->notice();
  const auto changed = std::filesystem::last_write_time(file("lock"));
  test::CallLog calls(vfs);
  EXPECT_TRUE(add(*writer));
  EXPECT_TRUE(add(*reader));
  EXPECT_EQ(calls.count(test::DatabaseFile::log, test::FileCall::sync), 0);
  EXPECT_EQ(calls.count(test::DatabaseFile::database, test::FileCall::sync), 0);
  EXPECT_GT(calls.count(test::DatabaseFile::log, test::FileCall::write), 0);
  EXPECT_FALSE(notice->wait(0ms, {}));
  EXPECT_EQ(std::filesystem::last_write_time(file("lock")), changed);
}

TEST_F(MetricsTest, OfAReaderLeaveItAReader) {
  put(*open_to_write(), 0, {"a"});
  const auto reader = open_to_read();
  EXPECT_TRUE(add(*reader));
  const RoutedBatch batch = test::batch_of(0, {"a"});
  EXPECT_EQ(refusal([&] { reader->append({{&batch, 1}}); }), ErrorCode::internal);
}

TEST_F(MetricsTest, OfAReaderWaitForAWriterToBeginTheLog) {
  const auto reader = open_to_read();
  EXPECT_EQ(std::filesystem::file_size(file("stream.db-wal")), 0U);
  EXPECT_FALSE(add(*reader)) << "the log's header would have to be synced";
  EXPECT_EQ(std::filesystem::file_size(file("stream.db-wal")), 0U);
  put(*open_to_write(), 0, {"a"});
  EXPECT_TRUE(add(*reader));
}

TEST_F(MetricsTest, CannotBeAddedByWhoeverMayOnlyRead) {
  const auto reader = open_to_read();
  add(*open_to_write());
  if (::geteuid() == 0) GTEST_SKIP() << "root may do everything";
  std::filesystem::permissions(file("stream.db"), std::filesystem::perms::owner_read);
  const auto unable = open_to_read();
  EXPECT_EQ(refusal([&] { add(*unable); }), ErrorCode::permission);
  EXPECT_EQ(unable->metrics().history(clock_.now() - 1h, clock_.now() + 1h).size(), 1U);
}

TEST_F(MetricsTest, AreNotAddedAfterACommitOfUnknownOutcome) {
  const auto writer = open_to_write();
  std::filesystem::resize_file(file("lock"), std::filesystem::file_size(file("lock")) + 1);
  EXPECT_FALSE(add(*writer));
  put(*writer, 0, {"a"});
  EXPECT_TRUE(add(*writer)) << "the append has learnt the outcome";
}

TEST_F(MetricsTest, OfARemovedStreamAreRefused) {
  const auto reader = open_to_read();
  remove_stream(path_, {}, clock_);
  EXPECT_EQ(refusal([&] { add(*reader); }), ErrorCode::not_found);
}

TEST_F(MetricsTest, OfADayBecomeHoursAFewAtATime) {
  add_minutes();
  const auto writer = open_to_write();
  EXPECT_TRUE(add(*writer));
  EXPECT_EQ(minutes_and_hours(), "141,1") << "10 minutes at a time, and the new one";
  for (int i = 0; i < 14; ++i) EXPECT_TRUE(add(*writer));
  EXPECT_EQ(minutes_and_hours(), "1,3");
  const auto all = history();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].measures.shards.at(ShardId(0)).out, (Counts{60, 600, 60}));
  EXPECT_EQ(all[2].measures.shards.at(ShardId(0)).out, (Counts{30, 300, 30}));
  clock_.step(32 * 24h);
  EXPECT_TRUE(add(*writer));
  EXPECT_EQ(rows(), "1") << "what is older than a month goes";
}

TEST_F(MetricsTest, BecomeHoursByTheProgramsThatWriteAlone) {
  add_minutes();
  const auto before = history();
  EXPECT_TRUE(add(*open_to_read()));
  EXPECT_EQ(minutes_and_hours(), "151,0") << "a reader may get little of the processor, and all writers wait for it";
  const auto after = history();
  ASSERT_EQ(after.size(), before.size() + 1);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(after[i].measures, before[i].measures);
  clock_.step(32 * 24h);
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(add(*open_to_read()));
  EXPECT_EQ(rows(), "1") << "but it removes what is too old";
}

TEST_F(MetricsTest, OfManyHoursComeInOrderAndEachOnce) {
  const auto writer = open_to_write();
  std::vector<Timestamp> starts;
  for (int i = 0; i < 21; ++i) {
    starts.push_back(clock_.now());
    ASSERT_TRUE(add(*writer));
    put(*writer, 1, {"a"}, Sync::normal);
    clock_.step(59min);
  }
  const auto check = [&] {
    const auto all = writer->metrics().history(Timestamp::min(), Timestamp::max());
    ASSERT_EQ(all.size(), starts.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].start, starts[i]);
      EXPECT_EQ(all[i].measures.shards.at(ShardId(0)).out, (Counts{1, 10, 1}));
      EXPECT_EQ(all[i].measures.shards.at(ShardId(1)).in, (Counts{1, 1, 1}));
    }
  };
  check();
  clock_.step(-15h);
  check();  // most of it is in the future
}

TEST_F(MetricsTest, AreReadInPiecesThatHoldNoSnapshotForLong) {
  using sqlite::pieces_of_history;
  const Timestamp now = std::chrono::sys_days(std::chrono::year(2024) / 5 / 6) + 13h;
  const auto pieces = [&](Timestamp from, Timestamp until) {
    std::vector<std::pair<Duration, Duration>> result;
    for (const auto& each : pieces_of_history({from, until}, now))
      result.emplace_back(each.from - now, each.until - now);
    return result;
  };
  using Pieces = std::vector<std::pair<Duration, Duration>>;
  EXPECT_EQ(pieces(now - 8h, now), (Pieces{{-8h, -7h}, {-7h, -1h}, {-1h, 0h}}));
  EXPECT_EQ(pieces(now - 1h, now + 100h), (Pieces{{-1h, 100h}})) << "little comes after now";
  EXPECT_EQ(pieces(now, now), Pieces{});
  EXPECT_EQ(pieces(now + 3h, now + 2h), Pieces{});
  const auto all = pieces(Timestamp::min(), Timestamp::max());
  ASSERT_EQ(all.size(), 31U * 4 + 1);
  EXPECT_EQ(all[0].first, -31 * 24h);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].first, all[i - 1].second);
  EXPECT_EQ(all.back().second, sqlite::latest_stored_time - now);
}

TEST_F(MetricsTest, OfManyShardsAreStoredCompressed) {
  Period period = minute_with(1);
  for (std::uint32_t shard = 0; shard < 1000; ++shard) period.measures.shards[ShardId(shard)].out = {1000, 100'000, 60};
  const auto writer = open_to_write();
  ASSERT_TRUE(writer->metrics().add({&period, 1}));
  EXPECT_LT(test::RawDatabase(path_).number("SELECT length(data) FROM metrics"), 1000);
  EXPECT_EQ(history().at(0).measures, period.measures);
}

TEST_F(MetricsTest, ThatAreDamagedAreToldOfAndNothingIsAddedToThem) {
  const auto writer = open_to_write();
  ASSERT_TRUE(add(*writer, 1));
  clock_.step(1min);
  ASSERT_TRUE(add(*writer, 2));
  const Lines sound = findings(*writer);
  const std::string first = "metrics of the minute " + to_rfc3339(history().at(0).start) + ": checksum mismatch";
  test::RawDatabase(path_).exec(
      "UPDATE metrics SET data = CAST(data || x'00' AS BLOB) WHERE start = (SELECT min(start) "
      "FROM metrics)");
  EXPECT_EQ(sound, Lines{});
  EXPECT_EQ(findings(*writer), Lines{first});
  const std::vector<Period> all = history();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].is_damaged && all[0].measures.empty());
  EXPECT_FALSE(all[1].is_damaged);
  const auto late = writer->metrics().history(clock_.now(), clock_.now() + 1min);
  ASSERT_EQ(late.size(), 1U) << "what is not damaged can be read";
  EXPECT_EQ(late[0].measures.shards.at(ShardId(0)).out.records, 2U);
  clock_.step(-1min);
  EXPECT_TRUE(add(*writer, 4)) << "nobody must fail because of it";
  EXPECT_EQ(findings(*writer), Lines{first});
  clock_.step(2 * 24h);
  EXPECT_TRUE(add(*writer, 8));
  EXPECT_EQ(findings(*writer), Lines{first}) << "it is not rolled up, or the hour would be wrong";
  EXPECT_EQ(raw("SELECT group_concat(span / 1000000) FROM (SELECT span FROM metrics ORDER BY start, span)"),
            "60,3600,60");
  clock_.step(31 * 24h);
  EXPECT_TRUE(add(*writer, 16));
  EXPECT_EQ(findings(*writer), Lines{}) << "a month later it goes";
}

TEST_F(MetricsTest, ThatAreDamagedKeepNoOthersFromBecomingHours) {
  add_minutes();
  {  // the first hour has a row that is damaged, and the first minutes of the second one are
    test::RawDatabase database(path_);
    database.exec("INSERT INTO metrics SELECT 3600000000, start, data, checksum FROM metrics ORDER BY start LIMIT 1");
    database.exec(
        "UPDATE metrics SET checksum = ~checksum WHERE span = 60000000 AND start IN "
        "(SELECT start FROM metrics WHERE span = 60000000 ORDER BY start LIMIT 15 OFFSET 60)");
  }
  const auto writer = open_to_write();
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(add(*writer));
  EXPECT_EQ(minutes_and_hours(), "76,3") << "60 that have no hour, 15 that are damaged, and the new one";
  EXPECT_EQ(findings(*writer).size(), 16U);
}

TEST_F(MetricsTest, ThatClaimToBeEnormousAreRefusedBeforeTheyTakeMemory) {
  const auto writer = open_to_write();
  ASSERT_TRUE(add(*writer));
  {
    test::Forger forger(path_);
    forger.exec("UPDATE metrics SET data = x'0280808020'");  // Zstandard, 2^26 bytes
    forger.seal("metrics");
  }
  const Lines found = findings(*writer);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].ends_with("it claims a size of 67108864 bytes")) << found[0];
}

/// A stream from which batches are trimmed in steps. Each append takes at most 1000 of them with it.
class TrimmedMetrics : public MetricsTest {
 protected:
  /// One record a batch, each in a commit of its own or all in one.
  void put_batches(Stream& writer, std::uint32_t shard, int count) {
    std::vector<RoutedBatch> batches;
    for (int i = 0; i < count; ++i) batches.push_back(test::batch_of(shard, {"abc"}));
    test::append_all(writer, batches, Sync::normal);
  }

  /// Of the minutes, in their order.
  std::vector<std::uint64_t> records(std::uint32_t shard = 0) {
    std::vector<std::uint64_t> result;
    for (const Period& each : history()) {
      const auto found = each.measures.shards.find(ShardId(shard));
      result.push_back(found == each.measures.shards.end() ? 0 : found->second.in.records);
    }
    return result;
  }

  using Numbers = std::vector<std::uint64_t>;
};

TEST_F(TrimmedMetrics, AreExactAfterEachStepThroughAMinute) {
  const auto writer = open_to_write();
  put_batches(*writer, 0, 1500);
  put_batches(*writer, 1, 700);
  put_batches(*writer, 0, 300);
  clock_.step(1min);
  put_batches(*writer, 0, 5);
  writer->maintenance().update({.retention = 24h});
  clock_.freeze();
  clock_.step(24h);
  for (int step = 0; step < 6; ++step) {
    clock_.let_pass(1s);
    put(*writer, 1, {"x"}, Sync::normal);
    SCOPED_TRACE(raw("SELECT batch FROM trim_horizon"));
    EXPECT_EQ(came_in(0), (Counts{1805, 3 * 1805, 3}));
    EXPECT_EQ(came_in(1).records, 700U + static_cast<std::uint64_t>(step) + 1);
  }
  EXPECT_EQ(raw("SELECT batch FROM trim_horizon"), "2500");
  EXPECT_EQ(records(), (Numbers{1800, 5, 0}));
}

TEST_F(TrimmedMetrics, AreExactInAStreamThatTrimsToStayBounded) {
  const auto writer = open_to_write();
  writer->maintenance().update(
      {.max_record_size = 1024, .max_bytes = 10 * test::kibibyte, .when_full = WhenFull::trim});
  const std::string record(1000, 'x');
  std::uint64_t stored = 0;
  for (int minute = 0; minute < 5; ++minute, clock_.step(1min)) {
    for (int i = 0; i < 7; ++i, ++stored) put(*writer, 0, {record}, Sync::normal);
  }
  EXPECT_LE(lines().size(), 10U);
  EXPECT_EQ(records(), (Numbers{7, 7, 7, 7, 7}));
  EXPECT_EQ(came_in(), (Counts{stored, stored * record.size(), stored}));
}

TEST_F(TrimmedMetrics, OfATrimThatFailsAreNotCountedTwice) {
  test::WatchedVfs vfs;
  const auto writer = open_to_write();
  put_batches(*writer, 0, 10);
  clock_.step(1h);
  int writes = 0;
  int left = 0;
  do {
    std::filesystem::path copy = path_ + ".copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(path_, copy);
    ++writes;
    left = writes;
    vfs.set_hook([&left](test::DatabaseFile file, test::FileCall call) {
      const bool counts = file == test::DatabaseFile::log && call == test::FileCall::write;
      return counts && left > 0 && --left == 0 ? SQLITE_IOERR_WRITE : SQLITE_OK;
    });
    auto stream = shardlog::open(copy, {Access::write}, clock_);
    try {
      stream->maintenance().update({.retention = 1min});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
    }
    stream.reset();
    vfs.set_hook(nullptr);
    Counts sum;
    for (const Period& each : shardlog::open(copy, {}, clock_)->metrics().history(Timestamp::min(), clock_.now())) {
      sum += each.measures.shards.at(ShardId(0)).in;
    }
    EXPECT_EQ(sum, (Counts{10, 30, 1})) << "after write " << writes << " failed";
  } while (left == 0);
  EXPECT_GT(writes, 3) << "the failing write was in the commits of the settings and of the trim";
}

TEST_F(TrimmedMetrics, GoToTheirHoursWhenTheyAreTrimmedLate) {
  const auto writer = open_to_write();
  put_batches(*writer, 0, 3);
  clock_.step(1min);
  put_batches(*writer, 0, 4);
  clock_.step(10 * 24h);
  const auto before = records();
  writer->maintenance().update({.retention = 9 * 24h});
  EXPECT_EQ(lines(), Lines{});
  EXPECT_EQ(records(), (Numbers{7}));
  EXPECT_EQ(before, records());
  EXPECT_EQ(raw("SELECT span FROM metrics"), "3600000000");
}

TEST_F(TrimmedMetrics, MoveWithTheClockWhenItIsRepaired) {
  const auto writer = open_to_write();
  const Timestamp now = clock_.now();
  clock_.step(10h);
  put_batches(*writer, 0, 3);
  ASSERT_TRUE(add(*writer, 5));
  clock_.set(now);
  writer->maintenance().update({.repair_clock = true});
  const auto periods = history();
  ASSERT_EQ(periods.size(), 1U);
  EXPECT_EQ(periods[0].start, now);
  EXPECT_EQ(periods[0].measures.shards.at(ShardId(0)).in, (Counts{3, 9, 1}));
  EXPECT_EQ(periods[0].measures.shards.at(ShardId(0)).out, (Counts{5, 50, 1}));
}

}  // namespace
}  // namespace shardlog
