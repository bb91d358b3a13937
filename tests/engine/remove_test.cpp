#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/raw_database.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::any_budget;
using test::refusal;

class Remove : public test::StreamTest {
 protected:
  Remove() { create(); }

  std::optional<ErrorCode> removed(const std::string& path, Duration timeout = 20s) {
    return refusal([&] { remove_stream(path, {Access::write, timeout}, clock_); });
  }

  [[nodiscard]] bool nothing_left() const { return std::filesystem::is_empty(directory_.path()); }
};

TEST_F(Remove, LeavesNothing) {
  put(*open_to_write(), 0, {"a"});
  EXPECT_EQ(removed(path_), std::nullopt);
  EXPECT_TRUE(nothing_left());
  EXPECT_EQ(removed(path_), ErrorCode::not_found);
}

TEST_F(Remove, TellsWhoeverHasItOpen) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  const auto stream = open_to_read();
  const auto reader = stream->read({.follow = true});
  EXPECT_EQ(removed(path_), std::nullopt);
  create();
  EXPECT_EQ(refusal([&] { put(*writer, 0, {"b"}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { writer->make_durable(); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { writer->maintenance().update({.max_record_size = 4096}); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { reader->next(any_budget); }), ErrorCode::not_found);
  EXPECT_TRUE(lines().empty());
}

TEST_F(Remove, WaitsForACommit) {
  const sqlite::WriterLock lock(file("lock"), true);
  {
    const auto held = lock.acquire(20s);
    EXPECT_EQ(removed(path_, 10ms), ErrorCode::busy);
    EXPECT_TRUE(lines().empty());
  }
  EXPECT_EQ(removed(path_), std::nullopt);
}

TEST_F(Remove, RefusesADirectoryThatHoldsOtherFiles) {
  put(*open_to_write(), 0, {"a"});
  std::ofstream(file("stream.db-backup")) << "mine";
  EXPECT_EQ(removed(path_), ErrorCode::cannot_create);
  EXPECT_EQ(lines(), Lines{"a"});
  EXPECT_TRUE(std::filesystem::exists(file("stream.db-backup")));
}

TEST_F(Remove, RefusesADirectoryThatHoldsOthersUnderItsNames) {
  put(*open_to_write(), 0, {"a"});
  for (const char* const name : {"stream.00000009", "stream.db-journal"}) {
    std::filesystem::create_directory(file(name));
    EXPECT_EQ(removed(path_), ErrorCode::cannot_create) << name;
    std::filesystem::remove(file(name));
    EXPECT_EQ(lines(), Lines{"a"}) << name;
  }
}

TEST_F(Remove, TakesOneThatNoProgramCanOpen) {
  test::RawDatabase(path_).exec("PRAGMA user_version=73");
  EXPECT_EQ(removed(path_), std::nullopt);
  create();
  std::filesystem::resize_file(file("stream.db"), 1000);
  EXPECT_EQ(removed(path_), std::nullopt);
  EXPECT_TRUE(nothing_left());
}

TEST_F(Remove, ThatWasKilledHalfWayLeavesWhatIsNotListed) {
  std::filesystem::rename(path_, directory_.path() + "/.stream-0123456789abcdef");
  EXPECT_TRUE(list_streams(directory_.path()).empty());
  create();
  EXPECT_EQ(list_streams(directory_.path()), std::vector{path_});
}

TEST_F(Remove, OfManyAtOnceSucceedsOnce) {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::optional<ErrorCode>> outcomes(3);
    {
      std::vector<std::jthread> removers;
      for (auto& outcome : outcomes) removers.emplace_back([&] { outcome = removed(path_); });
    }
    std::sort(outcomes.begin(), outcomes.end());
    EXPECT_EQ(outcomes, (std::vector<std::optional<ErrorCode>>{{}, ErrorCode::not_found, ErrorCode::not_found}));
    create();
  }
}

TEST_F(Remove, AndCreateAtOnceLeaveAWholeStreamOrNone) {
  for (int round = 0; round < 10; ++round) {
    std::jthread remover([&] { removed(path_); });
    while (refusal([&] { create(); })) std::this_thread::yield();
    remover.join();
    EXPECT_EQ(findings(*open_to_read()), Lines{});
  }
}

}  // namespace
}  // namespace shardlog
