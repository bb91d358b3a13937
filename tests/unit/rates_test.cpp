#include "tools/stream-stats/rates.h"

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shardlog/core/shard_map.h"
#include "support/refusal.h"
#include "support/shards.h"
#include "tools/common/json_text.h"
#include "tools/stream-stats/page.h"
#include "tools/stream-stats/rate_page.h"
#include "tools/stream-stats/sizing_page.h"

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
  EXPECT_EQ(utilisation_of(std::nullopt, capacity::kinesis_limits()).most(), std::nullopt);
  EXPECT_EQ(json_utilisation(of_both), R"({"records":25,"bytes":50})");
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

/// A stream with as many even shards as there are rates, and Kinesis' limits.
Page page_of(const std::vector<double>& records_a_second) {
  std::vector<Shard> shards = test::open_shards(even_ranges(static_cast<std::uint32_t>(records_a_second.size())));
  Page page{{{"uuid", 1, Timestamp(), {}, ShardMap(0, shards)}, {}}, {}, {}, Timestamp()};
  page.limits = capacity::kinesis_limits();
  for (std::size_t i = 0; i < shards.size(); ++i) {
    page.statistics.shards.push_back({shards[i], 1000, 1000});
    page.arrivals.shards.push_back({Rate{records_a_second[i], 0, 1}, Rate{}});
  }
  return page;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  }
  return lines;
}

/// The lines of the table of shards.
std::vector<std::string> table_of(const Page& page, const Screen& screen) {
  std::vector<std::string> table;
  for (const std::string& line : lines_of(format_page("s", page, screen, false))) {
    if (line.starts_with("shard ") || (!table.empty() && !line.empty())) table.push_back(line);
    if (!table.empty() && line.empty()) break;
  }
  return table;
}

TEST(PageWithLimits, HasABarForEachShard) {
  Page page = page_of({990, 402, 0, 0});
  page.arrivals.shards[3].last_minute.reset();
  const std::vector<std::string> expected{
      "shard    keys  in/s  limit                  records   bytes  last  from  to",
      "    0  25.0 %   990  ███████████████▉  99%    1,000  1000 B     -     -   -",
      "    1  25.0 %   402  ██████▍           40%    1,000  1000 B     -     -   -",
      "    2  25.0 %     0                     0%    1,000  1000 B     -     -   -",
      "    3  25.0 %     -  -                        1,000  1000 B     -     -   -"};
  EXPECT_EQ(table_of(page, {80, {}, true}), expected);
}

TEST(PageWithLimits, FitsSixtyColumnsWithTheBars) {
  const std::vector<std::string> table = table_of(page_of({990}), {60, {}, false});
  EXPECT_EQ(table.at(0), "shard     keys  in/s  limit                  records  last");
  EXPECT_EQ(table.at(1), "    0  100.0 %   990  ################  99%    1,000     -");
}

TEST(PageWithLimits, ListsTheShardsThatUseMostOfThemFirst) {
  std::vector<double> records(20, 10);
  records[13] = 600;
  records[7] = 800;
  const std::vector<std::string> table = table_of(page_of(records), {80, {}, true});
  EXPECT_TRUE(table.at(1).starts_with("    7  5.0 %   800  ")) << table[1];
  EXPECT_TRUE(table.at(2).starts_with("   13  5.0 %   600  ")) << table[2];
}

TEST(PageWithoutLimits, HasNoBars) {
  Page page = page_of({990});
  page.limits = {.read_calls = 5};
  EXPECT_EQ(table_of(page, {80, {}, true}).at(0).find("limit"), std::string::npos);
}

TEST(SizingPage, CountsWithTheLimitsOfTheStreamToo) {
  Page page = page_of({0, 0});
  const Load load{5000, 1000};
  EXPECT_EQ(format_sizing(page, load, 80).find("limits of the stream"), std::string::npos)
      << "they are those of Kinesis";
  page.limits = {.write_records = 100};
  const std::string text = format_sizing(page, load, 80);
  EXPECT_NE(text.find("limits of the stream  a shard  shards\n"
                      "records written         100/s      50\n"
                      "bytes written               -       0\n"
                      "bytes read                  -       0\n"
                      "needs      50 shards; 1 if producers pack many records into one\n"),
            std::string::npos)
      << text;
  EXPECT_NE(json_sizing("s", page, load).find(R"("own_limits":{"for_records":50,)"), std::string::npos);
}

TEST(SizingPage, RefusesALoadThatIsNotKnown) {
  Page page = page_of({0});
  EXPECT_EQ(test::refusal([&] { format_sizing(page, std::nullopt, 80); }), ErrorCode::usage);
  page.arrivals.busiest_minute = Rate{10, 1000, 1};
  EXPECT_EQ(test::refusal([&] { format_sizing(page, std::nullopt, 80); }), std::nullopt);
}

TEST(SizingPage, IsNoWiderThanTheScreen) {
  const std::string text = format_sizing(page_of({0}), Load{1e12, 9e18, 10'000}, 40);
  for (const std::string& line : lines_of(text)) EXPECT_LE(line.size(), 40U) << line;
}

}  // namespace
}  // namespace shardlog::cli
