#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/watched_vfs.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::CallLog;
using test::DatabaseFile;
using test::FileCall;
using test::mebibyte;
using test::refusal;

class FailedCommit : public test::StreamTest {
 protected:
  FailedCommit() {
    create();
    writer_ = open_to_write();
    put(*writer_, 0, {"before"});
  }
  ~FailedCommit() override { succeed(); }

  /// From now on such a call has this outcome.
  void fail(DatabaseFile where, FileCall what, int outcome) {
    vfs_.set_hook(
        [=](DatabaseFile file, FileCall call) { return file == where && call == what ? outcome : SQLITE_OK; });
  }
  void succeed() { vfs_.set_hook(nullptr); }

  std::optional<ErrorCode> refused(Stream& writer, const std::string& data = "refused") {
    return refusal([&] { put(writer, 0, {data}); });
  }

  [[nodiscard]] bool marked() const { return sqlite::WriterLock(file("lock"), false).outcome_unknown(); }

  test::WatchedVfs vfs_;
  std::unique_ptr<Stream> writer_;
};

struct Fault {
  std::string name;
  FileCall call;
  int outcome;

  friend std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.name; }
};

class IoErrorInTheLog : public FailedCommit, public testing::WithParamInterface<Fault> {
 protected:
  void fail_once() {
    fail(DatabaseFile::log, GetParam().call, GetParam().outcome);
    EXPECT_EQ(refused(*writer_), ErrorCode::io);
    succeed();
  }
};

TEST_P(IoErrorInTheLog, EndsTheAppendsOfItsWriter) {
  fail_once();
  EXPECT_EQ(refused(*writer_), ErrorCode::io);
  EXPECT_EQ(refused(*writer_), ErrorCode::io);
  EXPECT_EQ(refusal([&] { writer_->maintenance().update({.max_record_size = 4096, .tags = {}}); }), ErrorCode::io);
}

TEST_P(IoErrorInTheLog, IsMarkedOnTheLock) {
  EXPECT_FALSE(marked());
  fail_once();
  EXPECT_TRUE(marked());
  writer_.reset();
  EXPECT_TRUE(marked()) << "after the writer has gone";
}

TEST_P(IoErrorInTheLog, LeavesTheLogAloneWhenTheWriterGoes) {
  put(*writer_, 0, {std::string(3 * mebibyte, 'x')}, Sync::normal);
  fail_once();
  const CallLog calls(vfs_);
  writer_.reset();
  EXPECT_EQ(calls.count(DatabaseFile::database, FileCall::lock_for_checkpoint), 0);
}

TEST_P(IoErrorInTheLog, FreesTheLock) {
  fail_once();
  EXPECT_TRUE(sqlite::WriterLock(file("lock"), true).try_acquire());
}

TEST_P(IoErrorInTheLog, LeavesWhatWasStoredBefore) {
  fail_once();
  const Lines found = lines();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front(), "before");
  EXPECT_LE(found.size(), 2U);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_P(IoErrorInTheLog, MakesTheNextWriterCopyTheLogBeforeItsFirstCommit) {
  fail_once();
  const auto next = open_to_write();
  EXPECT_TRUE(marked()) << "until its first commit";
  const CallLog calls(vfs_);
  put(*next, 0, {"after"});
  EXPECT_TRUE(
      calls.in_order({DatabaseFile::database, FileCall::lock_for_checkpoint}, {DatabaseFile::log, FileCall::write}));
  EXPECT_TRUE(calls.in_order({DatabaseFile::database, FileCall::sync}, {DatabaseFile::log, FileCall::write}));
  EXPECT_FALSE(marked());
  EXPECT_EQ(lines().back(), "after");
}

TEST_P(IoErrorInTheLog, IsCopiedAwayOnlyOnce) {
  fail_once();
  const auto next = open_to_write();
  put(*next, 0, {"after"});
  const CallLog calls(vfs_);
  put(*next, 0, {"later"});
  EXPECT_EQ(calls.count(DatabaseFile::database, FileCall::lock_for_checkpoint), 0);
}

TEST_P(IoErrorInTheLog, StaysMarkedUntilTheLogCouldBeCopied) {
  fail_once();
  const auto next = open_to_write();
  fail(DatabaseFile::database, FileCall::sync, SQLITE_IOERR_FSYNC);
  EXPECT_EQ(refused(*next), ErrorCode::io);
  succeed();
  EXPECT_TRUE(marked());
  put(*open_to_write(), 0, {"after"});
  EXPECT_FALSE(marked());
  EXPECT_EQ(lines().back(), "after");
}

TEST_P(IoErrorInTheLog, StopsAnotherWriterThatIsOpenToo) {
  const auto other = open_to_write();
  put(*other, 0, {"other"});
  fail_once();
  const CallLog calls(vfs_);
  put(*other, 0, {"after"});
  EXPECT_TRUE(calls.in_order({DatabaseFile::database, FileCall::sync}, {DatabaseFile::log, FileCall::write}));
  EXPECT_EQ(lines().back(), "after");
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

INSTANTIATE_TEST_SUITE_P(Calls, IoErrorInTheLog,
                         testing::Values(Fault{"write", FileCall::write, SQLITE_IOERR_WRITE},
                                         Fault{"sync", FileCall::sync, SQLITE_IOERR_FSYNC},
                                         Fault{"memory", FileCall::write, SQLITE_NOMEM}),
                         [](const testing::TestParamInfo<Fault>& fault) { return fault.param.name; });

class IoErrorInACheckpoint : public FailedCommit, public testing::WithParamInterface<DatabaseFile> {
 protected:
  /// Appends until a checkpoint follows one, of which a sync fails.
  void fail_once() {
    fail(GetParam(), FileCall::sync, SQLITE_IOERR_FSYNC);
    for (; !marked() && log_size() < 5 * mebibyte; ++stored_) {
      put(*writer_, 0, {std::string(mebibyte / 8, 'x')}, Sync::normal);
    }
    succeed();
  }

  std::size_t stored_ = 0;
};

TEST_P(IoErrorInACheckpoint, EndsTheAppendsOfItsWriter) {
  fail_once();
  EXPECT_EQ(refused(*writer_), ErrorCode::io);
}

TEST_P(IoErrorInACheckpoint, IsReportedByTheNextAppend) {
  fail_once();
  try {
    put(*writer_, 0, {"refused"});
    FAIL() << "was stored";
  } catch (const Error& error) {
    EXPECT_PRED_FORMAT2(testing::IsSubstring, "checkpoint: disk I/O error", error.what());
  }
}

TEST_P(IoErrorInACheckpoint, IsMarkedOnTheLock) {
  fail_once();
  EXPECT_TRUE(marked());
}

TEST_P(IoErrorInACheckpoint, IsNotAnErrorOfTheAppendBeforeIt) {
  fail_once();
  EXPECT_EQ(lines().size(), 1 + stored_);
}

TEST_P(IoErrorInACheckpoint, LosesNothing) {
  fail_once();
  writer_.reset();
  put(*open_to_write(), 0, {"after"});
  EXPECT_EQ(lines().front(), "before");
  EXPECT_EQ(lines().back(), "after");
  EXPECT_EQ(lines().size(), 2 + stored_);
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

INSTANTIATE_TEST_SUITE_P(Files, IoErrorInACheckpoint, testing::Values(DatabaseFile::log, DatabaseFile::database),
                         [](const testing::TestParamInfo<DatabaseFile>& file) {
                           return file.param == DatabaseFile::log ? "log" : "database";
                         });

TEST_F(FailedCommit, OnAFullDiskStoresNothingAndGoesOnWhenThereIsRoom) {
  fail(DatabaseFile::log, FileCall::write, SQLITE_FULL);
  EXPECT_EQ(refused(*writer_), ErrorCode::full);
  EXPECT_EQ(refused(*writer_), ErrorCode::full);
  EXPECT_EQ(lines(), Lines{"before"});
  EXPECT_FALSE(marked());
  succeed();
  EXPECT_EQ(put(*writer_, 0, {"after"}), "2");
  EXPECT_EQ(lines(), (Lines{"before", "after"}));
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(FailedCommit, OnADiskThatIsFullAfterAPartStoresNothingOfIt) {
  int left = 3;
  vfs_.set_hook([&](DatabaseFile file, FileCall call) {
    if (file != DatabaseFile::log || call != FileCall::write) return SQLITE_OK;
    return left-- > 0 ? SQLITE_OK : SQLITE_FULL;
  });
  EXPECT_EQ(refused(*writer_, std::string(mebibyte, 'x')), ErrorCode::full);
  EXPECT_EQ(lines(), Lines{"before"});
  succeed();
  EXPECT_EQ(put(*writer_, 0, {"after"}), "2");
  EXPECT_EQ(lines(), (Lines{"before", "after"}));
}

TEST_F(FailedCommit, OnAFullDiskLeavesTheStreamToOthers) {
  fail(DatabaseFile::log, FileCall::write, SQLITE_FULL);
  EXPECT_EQ(refused(*writer_), ErrorCode::full);
  succeed();
  EXPECT_EQ(put(*open_to_write(), 0, {"other"}), "2");
  EXPECT_EQ(put(*writer_, 0, {"after"}), "3");
}

class SyncOfCommits : public FailedCommit {
 protected:
  /// Syncs of the log within `commits` commits.
  int syncs(Sync sync, int commits) {
    const CallLog calls(vfs_);
    for (int i = 0; i < commits; ++i) put(*writer_, 0, {"a"}, sync);
    return calls.count(DatabaseFile::log, FileCall::sync);
  }
};

TEST_F(SyncOfCommits, WhenFullHappensOncePerCommit) {
  EXPECT_EQ(syncs(Sync::full, 10), 10);
}

TEST_F(SyncOfCommits, WhenNormalDoesNotHappen) {
  EXPECT_EQ(syncs(Sync::normal, 10), 0);
}

TEST_F(SyncOfCommits, CanChangeFromCommitToCommit) {
  EXPECT_EQ(syncs(Sync::normal, 1), 0);
  EXPECT_EQ(syncs(Sync::full, 1), 1);
  EXPECT_EQ(syncs(Sync::normal, 1), 0);
  EXPECT_EQ(syncs(Sync::full, 1), 1);
}

TEST_F(SyncOfCommits, OfSettingsIsFull) {
  EXPECT_EQ(syncs(Sync::normal, 1), 0);
  const CallLog calls(vfs_);
  writer_->maintenance().update({.max_record_size = 4096, .tags = {}});
  EXPECT_EQ(calls.count(DatabaseFile::log, FileCall::sync), 1);
}

TEST_F(SyncOfCommits, ComesAfterTheLastWriteOfTheCommit) {
  const CallLog calls(vfs_);
  put(*writer_, 0, {std::string(mebibyte, 'x')});
  std::vector<FileCall> of_log;
  for (const auto& [where, call] : calls.entries()) {
    if (where == DatabaseFile::log) of_log.push_back(call);
  }
  ASSERT_FALSE(of_log.empty());
  EXPECT_EQ(of_log.back(), FileCall::sync);
}

}  // namespace
}  // namespace shardlog
