#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "engine/watched_vfs.h"
#include "support/refusal.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::any_budget;
using test::DatabaseFile;
using test::FileCall;
using test::refusal;

class RemovedStream : public test::StreamTest {
 protected:
  RemovedStream() { create(); }

  void remove() { std::filesystem::remove_all(path_); }
};

TEST_F(RemovedStream, IsNotFound) {
  remove();
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { open_to_write(); }), ErrorCode::not_found);
}

TEST_F(RemovedStream, TakesNoAppend) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  remove();
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
}

TEST_F(RemovedStream, IsNotWrittenAnyMore) {
  test::WatchedVfs vfs;
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  remove();
  const test::CallLog calls(vfs);
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
  EXPECT_EQ(calls.entries().size(), 0U);
}

TEST_F(RemovedStream, TakesNoFirstAppend) {
  const auto writer = open_to_write();
  remove();
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"a"}); }), ErrorCode::not_found);
}

TEST_F(RemovedStream, TakesNoChangeOfItsSettings) {
  const auto writer = open_to_write();
  remove();
  EXPECT_EQ(refusal([&] { writer->maintenance().update({.max_record_size = 4096, .tags = {}}); }),
            ErrorCode::not_found);
}

TEST_F(RemovedStream, AndMadeAgainTakesNoAppendToTheOldOne) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  remove();
  create();
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
  EXPECT_TRUE(lines().empty());
}

TEST_F(RemovedStream, AndRenamedTakesNoAppend) {
  const auto writer = open_to_write();
  std::filesystem::rename(path_, path_ + "-old");
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"a"}); }), ErrorCode::not_found);
}

TEST_F(RemovedStream, WithinACommitAcknowledgesNothing) {
  test::WatchedVfs vfs;
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  vfs.set_hook([this](DatabaseFile file, FileCall call) {
    if (file == DatabaseFile::log && call == FileCall::sync) remove();
    return SQLITE_OK;
  });
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
  vfs.set_hook(nullptr);
}

TEST_F(RemovedStream, WithoutItsLockTakesNoAppend) {
  const auto writer = open_to_write();
  std::filesystem::remove(file("lock"));
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"a"}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::not_found);
}

/// One of SQLite's files, and what is done to it while the stream is in use.
class RemovedFile : public RemovedStream, public testing::WithParamInterface<std::string> {
 protected:
  void expect_nothing_is_acknowledged(Stream& writer, Reader& reader) {
    EXPECT_EQ(refusal([&] { put(writer, 0, {"b"}); }), ErrorCode::not_found);
    EXPECT_EQ(refusal([&] { writer.make_durable(); }), ErrorCode::not_found);
    EXPECT_EQ(refusal([&] { reader.next(any_budget); }), ErrorCode::not_found);
  }

  std::string path() const { return file(GetParam()); }
};

TEST_P(RemovedFile, TakesNoAppend) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  const auto stream = open_to_read();
  const auto reader = stream->read({});
  std::filesystem::remove(path());
  expect_nothing_is_acknowledged(*writer, *reader);
}

TEST_P(RemovedFile, ReplacedByACopyTakesNoAppend) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  const auto stream = open_to_read();
  const auto reader = stream->read({});
  const std::string copy = directory_.path() + "/copy";
  std::ofstream(copy) << std::ifstream(path()).rdbuf();
  std::filesystem::rename(copy, path());
  expect_nothing_is_acknowledged(*writer, *reader);
}

TEST_P(RemovedFile, WithAnotherNameTakesNoAppend) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  const auto stream = open_to_read();
  const auto reader = stream->read({});
  std::filesystem::create_hard_link(path(), directory_.path() + "/another");
  expect_nothing_is_acknowledged(*writer, *reader);
}

TEST_P(RemovedFile, WithinACommitAcknowledgesNothing) {
  test::WatchedVfs vfs;
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  vfs.set_hook([this](DatabaseFile, FileCall call) {
    if (call == FileCall::sync) std::filesystem::remove(path());
    return SQLITE_OK;
  });
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
  vfs.set_hook(nullptr);
}

TEST_P(RemovedFile, IsRefusedUnlessItIsARegularFileWithOneName) {
  put(*open_to_write(), 0, {"a"});
  const std::string elsewhere = directory_.path() + "/elsewhere";
  const auto refused = [this](const char* what) {
    EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::corrupt) << what;
    EXPECT_EQ(refusal([&] { open_to_write(); }), ErrorCode::corrupt) << what;
  };
  std::filesystem::create_hard_link(path(), elsewhere);
  refused("a hard link");
  std::filesystem::remove(path());
  std::filesystem::create_symlink(elsewhere, path());
  refused("a symbolic link");
  std::filesystem::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), S_IRUSR | S_IWUSR), 0);
  refused("a pipe");
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  refused("a directory");
  std::filesystem::remove(path());
  if (::mknod(path().c_str(), S_IFCHR | S_IRUSR | S_IWUSR, ::makedev(1, 3)) == 0) refused("a device");
}

INSTANTIATE_TEST_SUITE_P(Files, RemovedFile, testing::Values("stream.db", "stream.db-wal", "stream.db-shm"),
                         [](const testing::TestParamInfo<std::string>& each) {
                           return each.param == "stream.db" ? "database" : each.param.substr(each.param.find('-') + 1);
                         });

TEST_F(RemovedStream, StopsAReader) {
  put(*open_to_write(), 0, {"a"});
  const auto stream = open_to_read();
  const auto reader = stream->read({});
  remove();
  EXPECT_EQ(refusal([&] { reader->next(any_budget); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { reader->next(any_budget); }), ErrorCode::not_found);
}

TEST_F(RemovedStream, StopsAFollower) {
  const auto stream = open_to_read();
  const auto reader = stream->read({.follow = true});
  EXPECT_TRUE(reader->next(any_budget).batches.empty());
  const std::jthread other([this] { remove(); });
  EXPECT_TRUE(test::wait_until([&] {
    reader->wait(10ms, {});
    return refusal([&] { reader->next(any_budget); }) == ErrorCode::not_found;
  }));
}

TEST_F(RemovedStream, LeavesNoLogBehind) {
  {
    const auto writer = open_to_write();
    put(*writer, 0, {std::string(3 * test::mebibyte, 'x')}, Sync::normal);
    remove();
    create();
    put(*open_to_write(), 0, {"new"});
  }
  EXPECT_EQ(lines(), Lines{"new"});
  EXPECT_EQ(findings(*open_to_read()), Lines{});
}

TEST_F(RemovedStream, InPartIsNotFoundOrDamaged) {
  put(*open_to_write(), 0, {"a"});
  std::filesystem::remove(file("stream.db"));
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::not_found);
}

class NoStream : public test::StreamTest {};

TEST_F(NoStream, IsAnEmptyDirectoryOrAFile) {
  std::filesystem::create_directory(path_);
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::not_found);
  EXPECT_TRUE(std::filesystem::is_empty(path_));
  const std::string file = directory_.path() + "/file";
  std::ofstream(file) << "no stream";
  EXPECT_EQ(refusal([&] { shardlog::open(file, {}, clock_); }), ErrorCode::not_found);
}

TEST_F(NoStream, IsADatabaseWithLinks) {
  create();
  std::filesystem::create_hard_link(file("stream.db"), directory_.path() + "/second");
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::corrupt);
  std::filesystem::remove(directory_.path() + "/second");
  std::filesystem::rename(file("stream.db"), directory_.path() + "/elsewhere");
  std::filesystem::create_symlink(directory_.path() + "/elsewhere", file("stream.db"));
  EXPECT_EQ(refusal([&] { open_to_read(); }), ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog
