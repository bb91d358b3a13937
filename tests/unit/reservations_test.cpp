#include "shardlog/producing/reservations.h"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "support/refusal.h"

namespace shardlog::producing {
namespace {

using namespace std::chrono_literals;
using capacity::Seconds;
using capacity::ShardNeed;
using capacity::Slice;
using capacity::Step;

/// Nothing waits as long.
constexpr Duration long_time = 1min;

const std::vector<ShardNeed> both{{ShardId(0)}, {ShardId(1)}};

class ReservationsTest : public testing::Test {
 protected:
  std::vector<bool> wait(const std::vector<ShardNeed>& needs, std::optional<Duration> patience,
                         const std::stop_token& stop = {}) {
    std::vector<bool> reserved;
    had_to_wait_.clear();
    for (const Reservation& each : reservations_.wait(needs, reserve_, stop, patience)) {
      reserved.push_back(each.is_reserved);
      had_to_wait_.push_back(each.had_to_wait);
    }
    return reserved;
  }

  std::vector<bool> had_to_wait_;  ///< of the latest wait()
  std::map<ShardId, Slice> slices_{{ShardId(0), {.steps = 1}}, {ShardId(1), {.steps = 1}}};
  std::map<ShardId, int> calls_;
  Reservations::Reserve reserve_ = [this](const Step& step, const Seconds&) {
    ++calls_[step.front().shard];
    return slices_.at(step.front().shard);
  };
  Reservations reservations_;
};

TEST_F(ReservationsTest, AreForEachShardOnItsOwn) {
  slices_[ShardId(0)].wait = long_time;
  EXPECT_EQ(wait(both, 10ms), (std::vector{false, true}));
  EXPECT_EQ(wait({{ShardId(1)}}, 10ms), std::vector{true});
  slices_[ShardId(0)].wait = 1ms;
  EXPECT_EQ(wait(both, long_time), (std::vector{true, true}));
  EXPECT_EQ(wait(both, std::nullopt), (std::vector{true, true}));
  EXPECT_EQ(wait({}, long_time), std::vector<bool>{});
}

TEST_F(ReservationsTest, SayWhatHadToWaitForCapacity) {
  slices_[ShardId(0)].wait = 1ms;
  EXPECT_EQ(wait(both, long_time), (std::vector{true, true}));
  EXPECT_EQ(had_to_wait_, (std::vector{true, false}));
  slices_[ShardId(0)].wait = long_time;
  EXPECT_EQ(wait(both, 10ms), (std::vector{false, true}));
  EXPECT_EQ(had_to_wait_, (std::vector{true, false})) << "it found none in time";
}

TEST_F(ReservationsTest, GoOnWithInstalments) {
  std::vector<double> paid;
  reserve_ = [&paid](const Step&, const Seconds& before) {
    paid.push_back(before.bytes);
    return Slice{.steps = paid.size() < 3 ? 0U : 1U, .wait = 1ms, .instalment = {0, before.bytes + 0.25}};
  };
  EXPECT_EQ(wait({{ShardId(0)}}, long_time), std::vector{true});
  EXPECT_EQ(paid, (std::vector{0.0, 0.25, 0.5}));
}

TEST_F(ReservationsTest, AreMadeByOneCallerOfAShardAtATime) {
  std::promise<void> has_turn;
  std::promise<void> may_end;
  const Reservations::Reserve slow = [&](const Step&, const Seconds&) {
    has_turn.set_value();
    may_end.get_future().wait();
    return Slice{.steps = 1};
  };
  auto first = std::async(std::launch::async, [&] {
    return reservations_.wait({&both.front(), 1}, slow, {}, long_time).size();
  });
  has_turn.get_future().wait();
  EXPECT_EQ(wait({{ShardId(0)}}, 1ms), std::vector{false});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(wait({{ShardId(0)}}, std::nullopt, stop.get_token()), std::vector{false});
  EXPECT_EQ(calls_[ShardId(0)], 0) << "who waits for its turn reserves nothing";
  auto next = std::async(std::launch::async, [&] { return wait({{ShardId(0)}}, long_time); });
  may_end.set_value();
  EXPECT_EQ(first.get(), 1U);
  EXPECT_EQ(next.get(), std::vector{true});
}

TEST_F(ReservationsTest, LeaveNoTurnTakenAfterAnError) {
  const auto works =
      std::exchange(reserve_, [](const Step&, const Seconds&) -> Slice { throw Error(ErrorCode::not_found, "gone"); });
  EXPECT_EQ(test::refusal([&] { wait(both, long_time); }), ErrorCode::not_found);
  reserve_ = works;
  EXPECT_EQ(wait(both, long_time), (std::vector{true, true}));
}

}  // namespace
}  // namespace shardlog::producing
