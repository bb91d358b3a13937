#include "shardlog/producing/reservations.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <thread>
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

/// Nothing waits as long.
constexpr Duration long_time = 1min;

const std::vector<ShardNeed> both{{ShardId(0)}, {ShardId(1)}};

class ReservationsTest : public testing::Test {
 protected:
  using Ask = Reservations::Ask;
  using Reserve = Reservations::Reserve;
  using Answer = std::function<Slice(const Ask&)>;

  static Reservations::Until after(std::optional<Duration> patience) {
    if (!patience) return std::nullopt;
    return Reservations::Watch::now() + *patience;
  }

  static Reserve each_by(Answer answer) {
    return [answer = std::move(answer)](std::span<Ask> asks) {
      for (Ask& ask : asks) ask.slice = answer(ask);
      return true;
    };
  }

  std::vector<Reservation> reserve(const std::vector<ShardNeed>& needs, std::optional<Duration> patience,
                                   const std::stop_token& stop = {}) {
    return reservations_.wait(needs, reserve_, stop, after(patience));
  }

  std::vector<bool> wait(const std::vector<ShardNeed>& needs, std::optional<Duration> patience,
                         const std::stop_token& stop = {}) {
    std::vector<bool> reserved;
    had_to_wait_.clear();
    for (const Reservation& each : reserve(needs, patience, stop)) {
      reserved.push_back(each.is_reserved);
      had_to_wait_.push_back(each.had_to_wait);
    }
    return reserved;
  }

  std::vector<bool> had_to_wait_;  ///< of the latest wait()
  std::map<ShardId, Slice> slices_{{ShardId(0), {.steps = 1}}, {ShardId(1), {.steps = 1}}};
  Reserve reserve_ = each_by([this](const Ask& ask) { return slices_.at(ask.steps.front().front().shard); });
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
  reserve_ = each_by([&paid](const Ask& ask) {
    paid.push_back(ask.paid.bytes);
    return Slice{.steps = paid.size() < 3 ? 0U : 1U, .wait = 1ms, .instalment = {0, ask.paid.bytes + 0.25}};
  });
  EXPECT_EQ(wait({{ShardId(0)}}, long_time), std::vector{true});
  EXPECT_EQ(paid, (std::vector{0.0, 0.25, 0.5}));
}

TEST_F(ReservationsTest, TellWhatIsPaidIfThatIsNotAllInTime) {
  int asked = 0;
  reserve_ = each_by([&asked](const Ask& ask) {
    return Slice{.steps = 0, .wait = ++asked <= 2 ? 1ms : long_time, .instalment = {0, ask.paid.bytes + 0.25}};
  });
  const Reservation reservation = reserve({{ShardId(0)}}, long_time / 2).at(0);
  EXPECT_FALSE(reservation.is_reserved);
  EXPECT_TRUE(reservation.had_to_wait);
  EXPECT_EQ(reservation.paid, (Seconds{0, 0.5})) << "what is not earned in time does not count";
  EXPECT_EQ(asked, 3);
}

TEST_F(ReservationsTest, AskForNothingThatCannotBeEarnedInTime) {
  int asked = 0;
  reserve_ = each_by([&asked](const Ask& ask) {
    ++asked;
    return Slice{.steps = 0, .wait = 60ms, .instalment = {0, ask.paid.bytes + 0.25}};
  });
  const Reservation reservation = reserve({{ShardId(0)}}, 100ms).at(0);
  EXPECT_FALSE(reservation.is_reserved);
  EXPECT_EQ(asked, 1) << "a second slice would have been lost";
}

TEST_F(ReservationsTest, AreAskedForByOneCallerAtATime) {
  std::promise<void> is_asking;
  std::promise<void> may_end;
  const Reserve slow = [&](std::span<Ask> asks) {
    is_asking.set_value();
    may_end.get_future().wait();
    asks.front().slice.steps = 1;
    return true;
  };
  auto first = std::async(std::launch::async, [&] {
    return reservations_.wait({&both.front(), 1}, slow, {}, after(long_time)).at(0).is_reserved;
  });
  is_asking.get_future().wait();
  std::atomic<int> asked = 0;
  reserve_ = each_by([&](const Ask& ask) {
    ++asked;
    return Slice{.steps = ask.steps.size()};
  });
  EXPECT_EQ(wait({{ShardId(0)}}, 1ms), std::vector{false});
  EXPECT_FALSE(had_to_wait_.front()) << "whether there is capacity is not known";
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(wait({{ShardId(0)}}, std::nullopt, stop.get_token()), std::vector{false});
  EXPECT_EQ(asked, 0);
  auto next = std::async(std::launch::async, [&] { return wait({{ShardId(0)}}, long_time); });
  may_end.set_value();
  EXPECT_TRUE(first.get());
  EXPECT_EQ(next.get(), std::vector{true});
}

TEST_F(ReservationsTest, OfManyCallersAreAskedForTogether) {
  constexpr std::size_t callers = 8;
  int answered = 0;
  reserve_ = [&](std::span<Ask> asks) {
    if (asks.size() < both.size() || asks[0].steps.size() < callers || asks[1].steps.size() < callers) {
      std::this_thread::yield();
      return false;  // the needs stay in the lines, and those of the others come
    }
    ++answered;
    for (Ask& ask : asks) ask.slice.steps = ask.steps.size();
    return true;
  };
  std::vector<std::future<std::vector<Reservation>>> all;
  for (std::size_t i = 0; i < callers; ++i) {
    all.push_back(std::async(std::launch::async, [&] { return reserve(both, long_time); }));
  }
  for (auto& each : all) {
    for (const Reservation& reservation : each.get()) EXPECT_TRUE(reservation.is_reserved);
  }
  EXPECT_EQ(answered, 1);
}

TEST_F(ReservationsTest, ShareASliceAndTheNextBeginsWithThatWhichIsPaidInPart) {
  constexpr std::size_t callers = 3;
  std::vector<std::size_t> sizes;
  reserve_ = [&](std::span<Ask> asks) {
    Ask& ask = asks.front();
    if (sizes.empty() && ask.steps.size() < callers) return false;
    sizes.push_back(ask.steps.size());
    EXPECT_EQ(ask.paid, (sizes.size() == 2 ? Seconds{0, 0.5} : Seconds{}));
    ask.slice = {.steps = 1, .wait = 1ms, .instalment = {0, sizes.size() == 1 ? 0.5 : 0.0}};
    return true;
  };
  std::vector<std::future<std::vector<Reservation>>> all;
  for (std::size_t i = 0; i < callers; ++i) {
    all.push_back(std::async(std::launch::async, [&] { return reserve({{ShardId(0)}}, long_time); }));
  }
  for (auto& each : all) EXPECT_TRUE(each.get().at(0).is_reserved);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{3, 2, 1}));
}

TEST_F(ReservationsTest, LeaveNoTurnTakenAfterAnError) {
  const auto works = std::exchange(reserve_, [](std::span<Ask>) -> bool { throw Error(ErrorCode::not_found, "gone"); });
  EXPECT_EQ(test::refusal([&] { wait(both, long_time); }), ErrorCode::not_found);
  reserve_ = works;
  EXPECT_EQ(wait(both, long_time), (std::vector{true, true}));
}

}  // namespace
}  // namespace shardlog::producing
