#include "shardlog/sqlite/write_ahead_log.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "engine/raw_database.h"
#include "engine/watched_vfs.h"
#include "shardlog/sqlite/database.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/refusal.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog::sqlite {
namespace {

using namespace std::chrono_literals;
using test::DatabaseFile;
using test::FileCall;
using test::kibibyte;
using test::mebibyte;
using test::PinnedReader;
using test::refusal;
using test::time_of;

class WriteAheadLogTest : public test::StreamTest {
 protected:
  WriteAheadLogTest() {
    create_without_segments();
    // The first of all connections recovers the log, which is not a checkpoint but takes the same locks.
    reader_ = open_to_read();
    reader_->describe();
    calls_.clear();
  }

  static void put_bytes(Stream& writer, std::size_t size) { put(writer, 0, {std::string(size, 'x')}, Sync::normal); }

  /// Appends `total` bytes in records of `each`. The largest size that the log had.
  std::size_t put_many(Stream& writer, std::size_t each, std::size_t total) {
    std::size_t largest = 0;
    for (std::size_t done = 0; done < total; done += each) {
      put_bytes(writer, each);
      largest = std::max(largest, log_size());
    }
    return largest;
  }

  /// How often a checkpoint was begun.
  [[nodiscard]] int checkpoints() const { return calls_.count(DatabaseFile::database, FileCall::lock_for_checkpoint); }

  test::WatchedVfs vfs_;
  test::CallLog calls_{vfs_};
  std::unique_ptr<Stream> reader_;
};

TEST_F(WriteAheadLogTest, IsEmptiedAtFourMebibytesOfSmallCommits) {
  const auto writer = open_to_write();
  const std::size_t largest = put_many(*writer, 10 * kibibyte, 4 * mebibyte);
  EXPECT_GE(largest, 4 * mebibyte);
  EXPECT_LT(largest, 4 * mebibyte + 200 * kibibyte);
  EXPECT_GE(checkpoints(), 1);
}

TEST_F(WriteAheadLogTest, StaysUnderFourMebibytesThroughManySmallCommits) {
  const auto writer = open_to_write();
  EXPECT_LT(put_many(*writer, 10 * kibibyte, 16 * mebibyte), 4 * mebibyte + 200 * kibibyte);
  EXPECT_GE(checkpoints(), 4);
}

TEST_F(WriteAheadLogTest, IsNotEmptiedEarlier) {
  const auto writer = open_to_write();
  EXPECT_LT(put_many(*writer, kibibyte, 100 * kibibyte), 4 * mebibyte);
  EXPECT_EQ(checkpoints(), 0);
}

TEST_F(WriteAheadLogTest, IsEmptiedAtSixteenCommitsOfMiddleSize) {
  const auto writer = open_to_write();
  const std::size_t largest = put_many(*writer, mebibyte, 40 * mebibyte);
  EXPECT_GE(largest, 16 * mebibyte);
  EXPECT_LT(largest, 20 * mebibyte);
}

TEST_F(WriteAheadLogTest, IsEmptiedAt64MebibytesOfLargeCommits) {
  const auto writer = open_to_write();
  EXPECT_GE(put_many(*writer, 4 * mebibyte, 56 * mebibyte), 56 * mebibyte);
  EXPECT_EQ(checkpoints(), 0);
  EXPECT_LE(put_many(*writer, 4 * mebibyte, 80 * mebibyte), 64 * mebibyte);
  EXPECT_GE(checkpoints(), 1);
}

TEST_F(WriteAheadLogTest, DoesNotOutgrow64MebibytesByTheLargestCommits) {
  const auto writer = open_to_write();
  EXPECT_LE(put_many(*writer, 10 * mebibyte, 100 * mebibyte), 64 * mebibyte);
}

TEST_F(WriteAheadLogTest, StaysThereWhileAReaderIsBetweenItsCalls) {
  const auto follower = reader_->read({.follow = true});
  const auto writer = open_to_write();
  put_bytes(*writer, kibibyte);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(follower->next(1).batches.size(), 1U);
    EXPECT_LT(put_many(*writer, 10 * kibibyte, 5 * mebibyte), 4 * mebibyte + 200 * kibibyte);
  }
}

TEST_F(WriteAheadLogTest, IsEmptiedAtFourMebibytesByTwoWritersInTurn) {
  const auto one = open_to_write();
  const auto other = open_to_write();
  for (int i = 0; i < 400; ++i) {
    put_bytes(*one, kibibyte);
    put_bytes(*other, kibibyte);
  }
  EXPECT_LT(log_size(), 4 * mebibyte + 200 * kibibyte);
  EXPECT_GE(checkpoints(), 2);
}

TEST_F(WriteAheadLogTest, IsEmptiedOnceByManyWritersInTurn) {
  std::vector<std::unique_ptr<Stream>> writers(8);
  for (auto& writer : writers) writer = open_to_write();
  for (std::size_t i = 0; checkpoints() == 0; ++i) put_bytes(*writers[i % writers.size()], mebibyte / 8);
  for (auto& writer : writers) put_bytes(*writer, mebibyte / 8);
  EXPECT_EQ(checkpoints(), 1);
}

TEST_F(WriteAheadLogTest, IsEmptiedAtFourMebibytesByAWriterThatFindsItHalfFull) {
  const auto first = open_to_write();
  for (int i = 0; i < 100; ++i) put_bytes(*first, kibibyte);
  ASSERT_GT(log_size(), mebibyte);
  const auto second = open_to_write();
  EXPECT_LT(put_many(*second, kibibyte, 500 * kibibyte), 4 * mebibyte + 200 * kibibyte);
}

TEST_F(WriteAheadLogTest, IsStartedOverNotCutOffWhileTheStreamIsWritten) {
  const auto writer = open_to_write();
  put_many(*writer, 10 * kibibyte, 4 * mebibyte);
  const std::size_t size = log_size();
  put_many(*writer, 10 * kibibyte, mebibyte);
  EXPECT_GE(checkpoints(), 1);
  EXPECT_EQ(log_size(), size);
}

TEST_F(WriteAheadLogTest, IsEmptiedUnderTheWriterLockOnly) {
  int checkpoints = 0;
  int beside_a_writer = 0;
  const WriterLock other(file("lock"), true);
  vfs_.set_hook([&](DatabaseFile, FileCall call) {
    if (call != FileCall::lock_for_checkpoint && call != FileCall::lock_for_writing) return SQLITE_OK;
    ++checkpoints;
    if (other.try_acquire()) ++beside_a_writer;
    return SQLITE_OK;
  });
  {
    const auto writer = open_to_write();
    put_many(*writer, 10 * kibibyte, 10 * mebibyte);
    put_bytes(*writer, 4 * mebibyte);
    writer->maintenance().update({.max_record_size = 4096, .tags = {}});
    open_to_read()->maintenance().statistics(Detail::all);
    EXPECT_EQ(findings(*open_to_read()), Lines{});
  }
  open_to_read();
  EXPECT_GT(checkpoints, 100);
  EXPECT_EQ(beside_a_writer, 0);
}

TEST_F(WriteAheadLogTest, IsLeftAloneByAReader) {
  put_bytes(*open_to_write(), mebibyte / 2);
  calls_.clear();
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_EQ(calls_.entries().size(), 0U);
  EXPECT_GT(log_size(), mebibyte / 2);
}

class WriteAheadLogAtExit : public WriteAheadLogTest {};

TEST_F(WriteAheadLogAtExit, IsCutOffBeyondOneMebibyte) {
  put_bytes(*open_to_write(), mebibyte);
  EXPECT_EQ(log_size(), 0U);
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(WriteAheadLogAtExit, IsLeftUpToOneMebibyte) {
  put_bytes(*open_to_write(), mebibyte - 200 * kibibyte);
  EXPECT_GT(log_size(), mebibyte / 2);
  EXPECT_EQ(checkpoints(), 0);
}

TEST_F(WriteAheadLogAtExit, IsLeftToAnotherWriterThatHasTheLock) {
  auto writer = open_to_write();
  put_bytes(*writer, 3 * mebibyte);
  const WriterLock other(file("lock"), true);
  const auto held = other.acquire(20s);
  EXPECT_LT(time_of([&] { writer.reset(); }), 5s);
  EXPECT_GT(log_size(), 3 * mebibyte);
  EXPECT_EQ(checkpoints(), 0);
}

TEST_F(WriteAheadLogAtExit, IsLeftWhenAReaderIsInTheWay) {
  auto writer = open_to_write();
  put_bytes(*writer, mebibyte);
  const PinnedReader reader(path_);
  put_bytes(*writer, 2 * mebibyte);
  EXPECT_LT(time_of([&] { writer.reset(); }), 5s);
  EXPECT_GT(log_size(), 3 * mebibyte);
}

TEST_F(WriteAheadLogAtExit, FreesTheLock) {
  put_bytes(*open_to_write(), 3 * mebibyte);
  EXPECT_TRUE(WriterLock(file("lock"), true).try_acquire());
}

/// The checkpoint alone, on a connection of its own.
class Checkpoint : public WriteAheadLogTest {
 protected:
  Checkpoint() { put_bytes(*open_to_write(), mebibyte / 2); }

  Paths paths_{path_, path_};
  WriterLock lock_{file("lock"), true};
  Database database_ = open_database(paths_, OpenMode::read_write);
  WriteAheadLog log_{database_, paths_, clock_};
};

TEST_F(Checkpoint, CopiesEverythingDurably) {
  const auto held = lock_.acquire(20s);
  calls_.clear();
  log_.checkpoint_fully(20s);
  EXPECT_TRUE(calls_.in_order({DatabaseFile::database, FileCall::write}, {DatabaseFile::database, FileCall::sync}));
}

TEST_F(Checkpoint, IsDoneBesideAReaderOfAllThatThereIs) {
  const auto held = lock_.acquire(20s);
  log_.checkpoint_fully(20s);
  const PinnedReader reader(path_);
  EXPECT_EQ(refusal([&] { log_.checkpoint_fully(0s); }), std::nullopt);
  database_.exec("PRAGMA user_version=1");
  EXPECT_EQ(refusal([&] { log_.checkpoint_fully(0s); }), ErrorCode::busy);
}

TEST_F(Checkpoint, LeavesNoWaitingToOtherStatements) {
  const auto held = lock_.acquire(20s);
  log_.checkpoint_fully(20s);
  test::RawDatabase other(path_);
  other.exec("BEGIN IMMEDIATE");
  calls_.clear();
  EXPECT_EQ(database_.tryExec("BEGIN IMMEDIATE") & 0xff, SQLITE_BUSY);
  EXPECT_EQ(calls_.count(DatabaseFile::database, FileCall::lock_for_writing), 1) << "it was tried again";
}

TEST_F(Checkpoint, IsRefusedSoonWhenReadersAreInTheWay) {
  const auto held = lock_.acquire(20s);
  const PinnedReader reader(path_);
  database_.exec("PRAGMA user_version=1");
  EXPECT_LT(time_of([&] { EXPECT_EQ(refusal([&] { log_.checkpoint_fully(0s); }), ErrorCode::busy); }), 5s);
}

}  // namespace
}  // namespace shardlog::sqlite
