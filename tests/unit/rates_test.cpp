#include "tools/stream-stats/rates.h"

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "tools/common/json_text.h"
#include "tools/stream-stats/rate_page.h"

namespace shardlog::cli {
namespace {

TEST(RateText, HasADecimalBelowTen) {
  EXPECT_EQ(rate_text(std::nullopt), "-");
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(0.001), "<0.1");
  EXPECT_EQ(rate_text(0.05), "0.1");
  EXPECT_EQ(rate_text(9.94), "9.9");
  EXPECT_EQ(rate_text(9.95), "10");
  EXPECT_EQ(rate_text(4011.6), "4,012");
  EXPECT_EQ(byte_rate_text(0.2), "<1 B");
  EXPECT_EQ(byte_rate_text(410'624), "401 KiB");
  EXPECT_EQ(json_number(10), "10");
  EXPECT_EQ(json_number(1.0 / 60), "0.017");
  EXPECT_EQ(json_number(2'500'000), "2500000");
  EXPECT_EQ(json_number(std::nullopt), "null");
}

TEST(UtilisationOfLimits, IsThatOfTheNearerOne) {
  const Rate rate{250, 1 << 19};  // of 1,000 and 1 MiB
  const Utilisation of_both = utilisation_of(rate, capacity::kinesis_limits());
  EXPECT_EQ(of_both.records, 25);
  EXPECT_EQ(of_both.bytes, 50);
  EXPECT_EQ(of_both.most(), 50);
  EXPECT_EQ(utilisation_of(rate, {.write_records = 500}).most(), 50);
  EXPECT_EQ(utilisation_of(rate, {}).most(), std::nullopt);
  const Utilisation of_reading = utilisation_of(std::nullopt, capacity::kinesis_limits(), Rate{1, 1 << 20, 1});
  EXPECT_EQ(of_reading.read_bytes, 50);
  EXPECT_EQ(of_reading.reading(), 50) << "a call of 5 is less";
  EXPECT_EQ(utilisation_of(rate, {.write_records = 500}, rate).reading(), std::nullopt);
  EXPECT_EQ(utilisation_of(std::nullopt, capacity::kinesis_limits()).most(), std::nullopt);
  EXPECT_EQ(json_utilisation(of_both), R"({"records":25,"bytes":50,"read_bytes":null,"read_calls":null})");
}

TEST(UtilisationBar, FillsItsColumnsByEighths) {
  const auto drawn = [](double percent, bool unicode) { return format_utilisation({percent, {}}, 4, unicode); };
  EXPECT_EQ(drawn(0, true), "       0%");
  EXPECT_EQ(drawn(0.01, true), "▏     <1%");
  EXPECT_EQ(drawn(25, true), "█     25%");
  EXPECT_EQ(drawn(40, true), "█▋    40%");
  EXPECT_EQ(drawn(99, true), "████  99%");
  EXPECT_EQ(drawn(100, true), "████ 100%");
  EXPECT_EQ(drawn(1234, true), "████ 1,234%");
  EXPECT_EQ(drawn(0.01, false), "=     <1%");
  EXPECT_EQ(drawn(40, false), "#=    40%");
  EXPECT_EQ(drawn(100, false), "#### 100%");
  EXPECT_EQ(format_utilisation({}, 4, true), "-");
}

/// Answers with one shard that takes in a record a second from the epoch on, of which everything before a time is
/// trimmed.
class OneASecond final : public Maintenance {
 public:
  explicit OneASecond(Timestamp trimmed) : trimmed_(trimmed) {}

  std::vector<std::optional<std::vector<Intake>>> intake(std::span<const Timestamp> times) override {
    std::vector<std::optional<std::vector<Intake>>> result;
    for (const Timestamp time : times) {
      const auto count = static_cast<std::uint64_t>(time.time_since_epoch() / std::chrono::seconds(1));
      result.push_back(time < trimmed_ ? std::nullopt
                                       : std::optional(std::vector{Intake{count, 100 * count, count / 60}}));
    }
    return result;
  }
  void update(const SettingsChange& /*change*/) override {}
  StreamStatistics statistics(Detail /*detail*/) override { std::terminate(); }
  Backlog backlog(std::span<const ShardStart> /*starts*/) override { return {}; }
  VerifyReport verify(const std::function<bool(double)>& /*progress*/) override { return {}; }

 private:
  Timestamp trimmed_;
};

constexpr Timestamp an_hour(std::chrono::hours(1));

TEST(Arrivals, AreKnownAsFarAsRecordsAreNotTrimmed) {
  const Rate each{1, 100, 1.0 / 60};
  OneASecond whole(an_hour - std::chrono::minutes(15));
  const Arrivals all = arrivals_before(an_hour, whole);
  EXPECT_EQ(all.stream.last_minute, each);
  EXPECT_EQ(all.stream.last_15_minutes, each);
  EXPECT_EQ(all.of_shard(0).last_15_minutes, each);
  EXPECT_EQ(all.busiest_minute, each);
  OneASecond part(an_hour - std::chrono::minutes(14));
  const Arrivals some = arrivals_before(an_hour, part);
  EXPECT_EQ(some.stream.last_minute, each);
  EXPECT_EQ(some.stream.last_15_minutes, std::nullopt);
  EXPECT_EQ(some.of_shard(0).last_minute, each);
  EXPECT_EQ(some.busiest_minute, each);
}

TEST(Arrivals, OfAnEngineThatDoesNotCountAreUnknown) {
  OneASecond none(Timestamp::max());
  const Arrivals arrivals = arrivals_before(an_hour, none);
  EXPECT_EQ(arrivals.stream.last_minute, std::nullopt);
  EXPECT_EQ(arrivals.of_shard(0).last_minute, std::nullopt);
  EXPECT_EQ(arrivals.busiest_minute, std::nullopt);
  EXPECT_EQ(json_rates(arrivals.stream), R"({"last_minute":null,"last_15_minutes":null})");
}

}  // namespace
}  // namespace shardlog::cli
