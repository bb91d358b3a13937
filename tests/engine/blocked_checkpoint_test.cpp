#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "engine/raw_database.h"
#include "engine/watched_vfs.h"
#include "support/refusal.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::DatabaseFile;
using test::FileCall;
using test::mebibyte;
using test::refusal;
using test::time_of;

/// A reader that never lets go of its snapshot.
class BlockedCheckpoint : public test::StreamTest {
 protected:
  BlockedCheckpoint() {
    create_without_segments();
    put(*open_to_write(), 0, {"first"});
    reader_.emplace(path_);
    vfs_.set_hook([this](DatabaseFile, FileCall call) {
      if (call == FileCall::lock_for_checkpoint) ++attempts_;
      return SQLITE_OK;
    });
  }

  void put_mebibytes(std::size_t count) { put(*writer_, 0, {std::string(count * mebibyte, 'x')}, Sync::normal); }

  /// Small commits until a checkpoint is tried; how large the log is then.
  std::size_t log_size_at_next_attempt() {
    const int before = attempts_;
    while (attempts_ == before) put(*writer_, 0, {std::string(mebibyte / 8, 'x')}, Sync::normal);
    return log_size();
  }

  test::WatchedVfs vfs_;
  int attempts_ = 0;
  std::optional<test::PinnedReader> reader_;
  std::unique_ptr<Stream> writer_ = nullptr;
};

TEST_F(BlockedCheckpoint, FailsNoAppend) {
  writer_ = open_to_write();
  for (int i = 0; i < 12; ++i) put_mebibytes(1);
  for (int i = 0; i < 100; ++i) put(*writer_, 0, {"a"}, Sync::normal);
  EXPECT_EQ(lines().size(), 113U);
}

TEST_F(BlockedCheckpoint, IsPutOffUntilSixteenMebibytesMoreHaveCome) {
  clock_.freeze();
  writer_ = open_to_write();
  std::size_t before = log_size_at_next_attempt();
  for (int i = 0; i < 3; ++i) {
    const std::size_t size = log_size_at_next_attempt();
    EXPECT_GE(size, before + 16 * mebibyte);
    EXPECT_LT(size, before + 17 * mebibyte);
    before = size;
  }
}

TEST_F(BlockedCheckpoint, IsPutOffForAQuarterOfASecond) {
  clock_.freeze();
  writer_ = open_to_write();
  log_size_at_next_attempt();
  const int before = attempts_;
  clock_.let_pass(249ms);
  put(*writer_, 0, {"a"}, Sync::normal);
  EXPECT_EQ(attempts_, before);
  clock_.let_pass(1ms);
  put(*writer_, 0, {"b"}, Sync::normal);
  EXPECT_EQ(attempts_, before + 1);
  put(*writer_, 0, {"c"}, Sync::normal);
  EXPECT_EQ(attempts_, before + 1);
}

TEST_F(BlockedCheckpoint, HoldsUpAnAppendForAShortWhileOnly) {
  clock_.freeze();
  writer_ = open_to_write();
  for (int i = 0; i < 20; ++i) {
    clock_.let_pass(1h);
    EXPECT_LT(time_of([&] { put(*writer_, 0, {std::string(mebibyte, 'x')}, Sync::normal); }), 5s);
  }
  EXPECT_GT(attempts_, 0);
}

TEST_F(BlockedCheckpoint, EmptiesTheLogOnceTheReaderIsGone) {
  clock_.freeze();
  writer_ = open_to_write();
  const std::size_t size = log_size_at_next_attempt();
  reader_->let_go();
  clock_.let_pass(1s);
  for (int i = 0; i < 8; ++i) put(*writer_, 0, {std::string(mebibyte / 8, 'x')}, Sync::normal);
  EXPECT_LE(log_size(), size + mebibyte / 4);
}

TEST_F(BlockedCheckpoint, StopsAppendsAt256MebibytesUntilTheReaderIsGone) {
  writer_ = open(Access::write, 300ms);
  std::size_t stored = 0;
  std::optional<ErrorCode> code;
  while (!code && stored < 300) {
    code = refusal([&] { put_mebibytes(8); });
    if (!code) stored += 8;
  }
  EXPECT_EQ(code, ErrorCode::busy);
  EXPECT_GE(log_size(), 256 * mebibyte);
  EXPECT_LT(log_size(), 265 * mebibyte);
  const auto last = writer_->describe().turn;
  std::optional<ErrorCode> again;
  EXPECT_GE(time_of([&] { again = refusal([&] { put_mebibytes(1); }); }), 300ms);
  EXPECT_EQ(again, ErrorCode::busy);
  EXPECT_EQ(writer_->describe().turn, last) << "nothing of it was stored";
  reader_->let_go();
  put_mebibytes(1);
  const std::size_t size = log_size();
  put_mebibytes(8);
  EXPECT_EQ(log_size(), size) << "the log was started over";
  EXPECT_EQ(writer_->describe().turn, last + 2);
}

}  // namespace
}  // namespace shardlog
