#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "shardlog/core/error.h"
#include "tools/common/signals.h"

namespace shardlog::cli {
namespace {

/// A command may be seen to run, and be asked for, before the one who starts it knows its number.
TEST(ProcessGroups, WhatIsBeingStartedIsThere) {
  constexpr pid_t number = 1'000'000;
  ProcessGroups groups;
  std::promise<void> started;
  std::atomic<bool> asked = false;
  std::jthread starter([&] {
    groups.start([&] {
      started.set_value();
      while (!asked) std::this_thread::yield();
      return number;
    });
  });
  started.get_future().wait();
  asked = true;
  EXPECT_FALSE(groups.empty());
  starter.join();
  groups.remove(number);
  EXPECT_TRUE(groups.empty());
}

TEST(ProcessGroups, WhatCannotBeStartedIsNotThere) {
  ProcessGroups groups;
  EXPECT_THROW(groups.start([]() -> pid_t { throw Error(ErrorCode::io, "no process"); }), Error);
  EXPECT_TRUE(groups.empty());
}

}  // namespace
}  // namespace shardlog::cli
