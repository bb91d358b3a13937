#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "tools/stream-stats/check.h"
#include "tools/stream-stats/condition.h"
#include "unit/figures_example.h"

namespace shardlog::cli {
namespace {

using std::chrono::seconds;
using test::refusal;

/// A stream with 4 records a second coming in, and a consumer that is 31 seconds and 1,200 records behind.
Figures figures() {
  Figures result = test::example_figures("orders", 2);
  result.consumers = {test::behind("audit", 0, {}), test::behind("billing", 1200, seconds(31))};
  result.arrivals.stream.last_minute = Rate{4, 2048, 1};
  result.arrivals.shards[1].last_minute = Rate{900, 0, 1};
  add_traffic(result, {});
  return result;
}

std::vector<std::string> broken(const std::string& text, bool of_billing = true) {
  const auto condition = parse_condition(text);
  EXPECT_TRUE(condition.has_value()) << text;
  const Figures all = figures();
  return broken_conditions({*condition}, all, of_billing ? &all.consumers[1] : nullptr);
}

using Lines = std::vector<std::string>;

TEST(Condition, HoldsOrSaysByHowMuchItDoesNot) {
  for (const char* text : {"age<32s", "age<=31s", "age >= 31s", "age = 31s", "age==31s", "age>30s", "backlog < 1201",
                           "backlog<=1200", "workers>=1"}) {
    EXPECT_EQ(broken(text), Lines{}) << text;
  }
  EXPECT_EQ(broken("age<30s"), Lines{"orders: billing: age is 31 s, 1.0 s more than 30s"});
  EXPECT_EQ(broken("age<31s"), Lines{"orders: billing: age is 31 s, as much as 31s"});
  EXPECT_EQ(broken("backlog < 1000"), Lines{"orders: billing: backlog is 1,200, 200 more than 1000"});
  EXPECT_EQ(broken("workers>=3"), Lines{"orders: billing: workers is 1, 2 less than 3"});
}

TEST(Condition, OfAStreamIsAboutItsWorstConsumerAndBusiestShard) {
  EXPECT_EQ(broken("age<30s", false), Lines{"orders: age is 31 s, 1.0 s more than 30s"});
  EXPECT_EQ(broken("utilisation<80%", false), Lines{"orders: utilisation is 90%, 10% more than 80%"});
  EXPECT_EQ(broken("incoming_records<5/s", false), Lines{});
  EXPECT_EQ(broken("incoming_bytes < 1KiB/s", false),
            Lines{"orders: incoming_bytes is 2.0 KiB/s, 1.0 KiB/s more than 1KiB/s"});
  EXPECT_EQ(broken("records=2000", false), Lines{});
}

TEST(Condition, IsRefusedIfItIsNotOne) {
  for (const char* text : {"", "age", "<30s", "age<", "age!30s", "age 30s", "Age<30s", "age<", " < "}) {
    EXPECT_EQ(parse_condition(text), std::nullopt) << text;
  }
  for (const char* text : {"age<30", "age<1000KiB", "backlog<many", "backlog<1e999", "backlog<nan"}) {
    EXPECT_EQ(refusal([&] { broken(text); }), ErrorCode::usage) << text;
  }
}

TEST(Condition, IsNeverTrueForAFigureThatIsNotThere) {
  EXPECT_EQ(refusal([&] { broken("agee<30s"); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { broken("utilisation<90%"); }), ErrorCode::not_found) << "a consumer has none";
  EXPECT_EQ(refusal([&] { broken("propagation_delay_p99<1s"); }), ErrorCode::not_found) << "nothing was read";
  Figures without = figures();
  without.consumers.clear();
  EXPECT_EQ(refusal([&] { broken_conditions({*parse_condition("age<30s")}, without, nullptr); }), ErrorCode::not_found);
}

}  // namespace
}  // namespace shardlog::cli
