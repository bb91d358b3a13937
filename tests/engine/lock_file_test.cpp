#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "shardlog/core/error.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/refusal.h"
#include "support/temporary_directory.h"

namespace shardlog::sqlite {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::refusal;

class LockFile : public testing::Test {
 protected:
  LockFile() {
    fs::create_directory(stream_);
    make(path_);
  }

  static void make(const std::string& path) { std::ofstream{path}; }

  std::optional<ErrorCode> refused() {
    return refusal([&] { const WriterLock lock(path_, true); });
  }

  test::TemporaryDirectory directory_;
  std::string stream_ = directory_.path() + "/orders";
  std::string path_ = stream_ + "/lock";
  std::string elsewhere_ = directory_.path() + "/elsewhere";
};

TEST_F(LockFile, ThatIsAbsentIsNotFound) {
  fs::remove(path_);
  EXPECT_EQ(refused(), ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(LockFile, ThatIsASymbolicLinkIsRefused) {
  fs::rename(path_, elsewhere_);
  fs::create_symlink(elsewhere_, path_);
  EXPECT_EQ(refused(), ErrorCode::corrupt);
}

TEST_F(LockFile, WithASecondNameIsRefused) {
  fs::create_hard_link(path_, elsewhere_);
  EXPECT_EQ(refused(), ErrorCode::corrupt);
}

TEST_F(LockFile, ThatIsADirectoryIsRefused) {
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_NE(refused(), std::nullopt);
  EXPECT_EQ(refusal([&] { const WriterLock lock(path_, false); }), ErrorCode::corrupt);
}

TEST_F(LockFile, ThatIsAPipeIsRefusedWithoutWaiting) {
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(refused(), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { const WriterLock lock(path_, false); }), ErrorCode::corrupt);
}

TEST_F(LockFile, IsPresentUntilItIsRemoved) {
  const WriterLock lock(path_, true);
  EXPECT_NO_THROW(lock.check_present());
  fs::remove(path_);
  EXPECT_EQ(refusal([&] { lock.check_present(); }), ErrorCode::not_found);
}

TEST_F(LockFile, IsNotPresentOnceAnotherTookItsName) {
  const WriterLock lock(path_, true);
  make(elsewhere_);
  fs::rename(elsewhere_, path_);
  EXPECT_EQ(refusal([&] { lock.check_present(); }), ErrorCode::not_found);
}

TEST_F(LockFile, IsNotPresentOnceAnotherTookItsNameWhileItHasOneElsewhere) {
  const WriterLock lock(path_, true);
  fs::rename(path_, elsewhere_);
  EXPECT_EQ(refusal([&] { lock.check_present(); }), ErrorCode::not_found);
  make(path_);
  EXPECT_EQ(refusal([&] { lock.check_present(); }), ErrorCode::not_found);
}

TEST_F(LockFile, IsNotPresentWithoutItsDirectory) {
  const WriterLock lock(path_, true);
  fs::remove_all(stream_);
  EXPECT_EQ(refusal([&] { lock.check_present(); }), ErrorCode::not_found);
}

TEST_F(LockFile, IsNotPresentBehindALinkToItself) {
  const WriterLock lock(path_, true);
  fs::rename(path_, elsewhere_);
  fs::create_symlink(elsewhere_, path_);
  EXPECT_EQ(refusal([&] { lock.check_present(); }), ErrorCode::not_found);
}

TEST_F(LockFile, RemembersThatAnOutcomeIsUnknown) {
  EXPECT_FALSE(WriterLock(path_, true).outcome_unknown());
  WriterLock(path_, true).set_outcome_unknown(true);
  EXPECT_TRUE(WriterLock(path_, true).outcome_unknown());
  EXPECT_EQ(fs::file_size(path_), 1U);
  WriterLock(path_, true).set_outcome_unknown(true);
  EXPECT_EQ(fs::file_size(path_), 1U);
  WriterLock(path_, true).set_outcome_unknown(false);
  EXPECT_FALSE(WriterLock(path_, true).outcome_unknown());
  EXPECT_EQ(fs::file_size(path_), 0U);
}

TEST_F(LockFile, HasTheTimeOfTheLastCommit) {
  const WriterLock lock(path_, true);
  fs::last_write_time(path_, fs::file_time_type::clock::now() - 1h);
  const auto before = fs::last_write_time(path_);
  lock.announce_commit();
  EXPECT_GT(fs::last_write_time(path_), before);
}

}  // namespace
}  // namespace shardlog::sqlite
