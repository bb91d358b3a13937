#include "tools/stream-stats/page.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "shardlog/capacity/limits.h"
#include "shardlog/core/printable.h"
#include "shardlog/core/utf8.h"
#include "support/refusal.h"
#include "tools/stream-stats/prometheus.h"
#include "tools/stream-stats/sizing_page.h"
#include "unit/figures_example.h"

namespace shardlog::cli {
namespace {

capacity::Limits& limits_of(Figures& figures) {
  return figures.statistics.description.settings.limits;
}

/// A stream with as many even shards as there are rates, and Kinesis' limits.
Figures figures_of(const std::vector<double>& records_a_second) {
  Figures figures = test::example_figures("s", static_cast<std::uint32_t>(records_a_second.size()));
  for (std::size_t i = 0; i < records_a_second.size(); ++i) {
    figures.arrivals.shards[i] = {Rate{records_a_second[i], 0, 1}, Rate{}};
  }
  return figures;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  }
  return lines;
}

/// The lines of the table of shards.
std::vector<std::string> table_of(const Figures& page, const Screen& screen) {
  std::vector<std::string> table;
  for (const std::string& line : lines_of(format_page(page, {screen}))) {
    if (line.starts_with("shard ") || (!table.empty() && !line.empty())) table.push_back(line);
    if (!table.empty() && line.empty()) break;
  }
  return table;
}

TEST(PageWithLimits, HasABarForEachShard) {
  Figures page = figures_of({990, 402, 0, 0});
  page.arrivals.shards[3].last_minute.reset();
  const std::vector<std::string> expected{"shard  keys  in/s  limit                  records   bytes  last",
                                          "    0   25%   990  ███████████████▉  99%    1,000  1000 B     -",
                                          "    1   25%   402  ██████▍           40%    1,000  1000 B     -",
                                          "    2   25%     0                     0%    1,000  1000 B     -",
                                          "    3   25%     -  -                        1,000  1000 B     -"};
  EXPECT_EQ(table_of(page, {80, {}, true}), expected);
}

TEST(PageWithLimits, FitsSixtyColumnsWithTheBars) {
  const std::vector<std::string> table = table_of(figures_of({990}), {60, {}, false});
  EXPECT_EQ(table.at(0), "shard  keys  in/s  limit                  records  last");
  EXPECT_EQ(table.at(1), "    0  100%   990  ################  99%    1,000     -");
}

TEST(PageWithLimits, ListsTheShardsThatUseMostOfThemFirst) {
  std::vector<double> records(20, 10);
  records[13] = 600;
  records[7] = 800;
  const std::vector<std::string> table = table_of(figures_of(records), {80, {}, true});
  EXPECT_TRUE(table.at(1).starts_with("    7    5%   800  ")) << table[1];
  EXPECT_TRUE(table.at(2).starts_with("   13    5%   600  ")) << table[2];
}

TEST(PageWithLimits, ShowsHowMuchIsReadOnAHundredColumns) {
  Figures page = figures_of({990, 402});
  limits_of(page) = {.read_bytes = 1000, .read_calls = 5};
  page.traffic.reads[ShardId(0)] = {10, 100, 7};
  page.traffic.reads[ShardId(1)] = {10, 300, 1};
  const std::vector<std::string> table = table_of(page, {100, {}, true});
  EXPECT_TRUE(table.at(0).starts_with("shard  keys  in/s  reading  records  ")) << table[0];
  EXPECT_TRUE(table.at(1).starts_with("    0   50%   990     140%    1,000  ")) << table[1];
  EXPECT_TRUE(table.at(2).starts_with("    1   50%   402      30%    1,000  ")) << table[2];
  EXPECT_EQ(table_of(page, {99, {}, true}).at(0).find("reading"), std::string::npos);
  page.traffic.is_known = false;
  EXPECT_TRUE(table_of(page, {100, {}, true}).at(1).starts_with("    0   50%   990        -    1,000  "));
}

TEST(PageWithoutLimits, HasNoBars) {
  Figures page = figures_of({990});
  limits_of(page) = {.read_calls = 5};
  EXPECT_EQ(table_of(page, {80, {}, true}).at(0).find("limit"), std::string::npos);
}

TEST(SizingPage, CountsWithTheLimitsOfTheStreamToo) {
  Figures page = figures_of({0, 0});
  const Load load{5000, 1000};
  EXPECT_EQ(format_sizing(page, load, 80).find("limits of the stream"), std::string::npos)
      << "they are those of Kinesis";
  limits_of(page) = {.write_records = 100};
  const std::string text = format_sizing(page, load, 80);
  EXPECT_NE(text.find("limits of the stream  a shard  shards\n"
                      "records written         100/s      50\n"
                      "bytes written               -       0\n"
                      "bytes read                  -       0\n"
                      "needs      50 shards; 1 if producers pack many records into one\n"),
            std::string::npos)
      << text;
  EXPECT_NE(json_sizing(page, load).find(R"("own_limits":{"for_records":50,)"), std::string::npos);
}

TEST(SizingPage, RefusesALoadThatIsNotKnown) {
  Figures page = figures_of({0});
  EXPECT_EQ(test::refusal([&] { format_sizing(page, std::nullopt, 80); }), ErrorCode::usage);
  page.arrivals.busiest_minute = Rate{10, 1000, 1};
  EXPECT_EQ(test::refusal([&] { format_sizing(page, std::nullopt, 80); }), std::nullopt);
}

TEST(SizingPage, IsNoWiderThanTheScreen) {
  const std::string text = format_sizing(figures_of({0}), Load{1e12, 9e18, 10'000}, 40);
  for (const std::string& line : lines_of(text)) EXPECT_LE(line.size(), 40U) << line;
}

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::behind;

/// Everything that a page can show, on an hour that rises to its middle and falls again.
Figures busy_stream() {
  Figures figures = test::example_figures("orders", 4);
  figures.statistics.description.settings.retention = hours(24 * 7);
  figures.statistics.stored_bytes = 2048;
  std::vector<metrics::Period> periods;
  for (int i = 0; i < 60; ++i) {
    metrics::Period& period = periods.emplace_back(test::minute_at(test::whole_minute - minutes(60 - i)));
    metrics::ShardCounts& shard = period.measures.shards[ShardId(0)];
    shard.in = test::counts(static_cast<std::uint64_t>(60 * (i < 30 ? i : 60 - i)), 60 * 1024, 720);
    shard.out = test::counts(600, 6000, 60);
    if (i > 50) shard.throttled = test::counts(60 * 7);
  }
  metrics::Measures& last = periods.back().measures;
  last.put.add(milliseconds(3), 99);
  last.put.add(milliseconds(12));
  last.readers["uuid of billing"].propagation.add(Duration(250));
  last.readers["uuid of billing"].age.add(seconds(31));
  figures.consumers = {behind("audit", 0, {}), behind("billing", 12'114, hours(24 * 6), 120),
                       behind("nightly", 401'223, hours(3))};
  figures.consumers[2].statistics.workers = 0;
  const std::vector<double> rates{990, 402, 211, 2409};
  for (std::size_t i = 0; i < rates.size(); ++i) figures.arrivals.shards[i].last_minute = Rate{rates[i], 0, 1};
  add_traffic(figures, periods);
  return figures;
}

TEST(Page, AnswersInOrderWithinEightyColumns) {
  const std::vector<std::string> expected{
      "orders  4 shards open, kept 7d, zstd: 4,000 records, 3.9 KiB in 2.0 KiB",
      "",
      "             records/s  bytes/s  calls/s  last hour                       peak",
      "in                 1.0  1.0 KiB       12  ▁▁▁▂▂▃▃▄▄▅▅▆▇▇██▇▇▆▆▅▅▄▄▃▃▂▁▁▁    30",
      "out                 10    100 B      1.0  ██████████████████████████████    10",
      "throttled          7.0      0 B        0                           ▄████   7.0",
      "",
      "latency         p50     p99     max  last minute",
      "producer     3.0 ms  3.0 ms   12 ms  read from stdin to durable",
      "propagation  0.2 ms  0.2 ms  0.2 ms  arrival to read, at the tail",
      "consumer          -       -       -  one read",
      "age at read    31 s    31 s    31 s  arrival to read, also far from the tail",
      "",
      "shard  keys   in/s  limit                  records   bytes  last",
      "    0   25%    990  ███████████████▉  99%    1,000  1000 B     -",
      "    1   25%    402  ██████▍           40%    1,000  1000 B     -",
      "    2   25%    211  ███▍              21%    1,000  1000 B     -",
      "    3   25%  2,409  ████████████████ 241%    1,000  1000 B     -",
      "",
      "consumer  workers   behind  age",
      "audit           1        0    -  caught up",
      "billing         1   12,114   6d  falling behind by 120/s; loses data in 1d",
      "nightly         -  401,223   3h  no worker"};
  EXPECT_EQ(lines_of(format_page(busy_stream(), {{80, {}, true}})), expected);
}

TEST(Page, ColoursOnlyWhatWantsAPerson) {
  Screen screen{80, {}, true, true};
  const std::string page = format_page(busy_stream(), {screen});
  std::string coloured;
  for (std::size_t at = page.find("\x1b[1;31m"); at != std::string::npos; at = page.find("\x1b[1;31m", at + 1)) {
    coloured += page.substr(at + 7, page.find("\x1b[0m", at) - at - 7) + "\n";
  }
  EXPECT_EQ(coloured, "7.0\n████████████████ 241%\nfalling behind by 120/s; loses data in 1d\n");
  std::string plain = page;
  for (const std::string escape : {"\x1b[1;31m", "\x1b[0m"}) {
    while (plain.find(escape) != std::string::npos) plain.erase(plain.find(escape), escape.size());
  }
  screen.colour = false;
  EXPECT_EQ(plain, format_page(busy_stream(), {screen})) << "colour takes no columns";
}

TEST(Page, SaysWhatWouldFillIt) {
  Figures figures = test::example_figures("orders", 1);
  add_traffic(figures, {});
  const std::string page = format_page(figures, {{80, {}, true}});
  EXPECT_NE(page.find("\nin           nothing put in the last hour\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\nlatency      nothing measured in the last minute\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\nno consumer yet: stream-get orders -c NAME\n"), std::string::npos) << page;
}

TEST(Page, ShowsWhatIsDroppedEvenIfNothingIsStored) {
  Figures figures = test::example_figures("orders", 1);
  std::vector<metrics::Period> periods{test::minute_at(test::whole_minute - minutes(1))};
  periods[0].measures.shards[ShardId(0)].throttled = test::counts(120, 1200, 1);
  periods[0].measures.shards[ShardId(0)].dropped = test::counts(60, 600, 1);
  add_traffic(figures, periods);
  const std::string page = format_page(figures, {{80, {}, true}});
  EXPECT_NE(page.find("nothing put in the last hour"), std::string::npos) << page;
  EXPECT_NE(page.find("\nthrottled          2.0 "), std::string::npos) << page;
  EXPECT_NE(page.find("\ndropped            1.0 "), std::string::npos) << page;
}

TEST(Page, HasAHyphenForWhatIsNotKnown) {
  Figures figures = busy_stream();
  figures.traffic.is_known = false;
  figures.traffic.is_in_known = false;
  const std::string page = format_page(figures, {{80, {}, true}});
  for (const char* const line : {"in", "out", "throttled"}) {
    const std::size_t at = page.find(std::string("\n") + line + " ");
    ASSERT_NE(at, std::string::npos) << page;
    EXPECT_EQ(page.substr(at + 12, 31), "          -        -        -  ") << page;
  }
  EXPECT_EQ(page.find("\nproducer "), std::string::npos) << page;
}

TEST(Page, LeavesOutBytesAndThePictureAtSixtyColumns) {
  const std::vector<std::string> lines = lines_of(format_page(busy_stream(), {{60, {}, true}}));
  EXPECT_EQ(lines.at(3), "             records/s  calls/s  peak");
  for (const std::string& line : lines) EXPECT_LE(utf8_length(line), 60U) << line;
}

/// The numbers of the shards, or the names of the consumers, that have a line.
std::vector<std::string> first_words(const std::string& page) {
  std::vector<std::string> words;
  for (const std::string& line : lines_of(page)) {
    const std::size_t from = line.find_first_not_of(' ');
    if (from != std::string::npos) words.push_back(line.substr(from, line.find(' ', from) - from));
  }
  return words;
}

TEST(Page, ShowsTheWorstIfTheScreenIsNotHighEnough) {
  Figures figures = busy_stream();
  figures.consumers[0] = behind("late", 1, hours(100));
  for (const char* name : {"b", "c", "d", "e"}) figures.consumers.push_back(behind(name, 0, {}));
  add_traffic(figures, {});
  const std::string page = format_page(figures, {{80, 17, true}});
  EXPECT_LT(lines_of(page).size(), 17U) << page;
  EXPECT_EQ(first_words(page), (std::vector<std::string>{"orders", "records/s", "in", "out", "latency", "shard", "3",
                                                         "0", "and", "consumer", "billing", "and"}))
      << page;
  EXPECT_NE(page.find("\nand 2 more shards, all under 41%\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\nand 6 more consumers\n"), std::string::npos) << page;
}

TEST(Page, WarnsAtEveryWidth) {
  Figures figures = busy_stream();
  figures.consumers[1] = behind("consumer-of-orders", 1'234'567, hours(24 * 4) + minutes(30), 12'345);
  add_traffic(figures, {});
  for (const std::size_t width : {40U, 60U, 80U, 200U}) {
    const std::string page = format_page(figures, {{width, {}, true}});
    const std::size_t warning = page.find("loses data in 2d 23h\n");
    EXPECT_NE(warning, std::string::npos) << page;
    EXPECT_EQ(page.find("falling behind; ") != std::string::npos, width == 80) << page;
    EXPECT_EQ(page.find("falling behind by 12,345/s; ") != std::string::npos, width == 200) << page;
  }
}

TEST(List, BeginsWithTheWorstOnAScreenThatIsWatched) {
  std::vector<Figures> streams;
  for (const char* const name : {"a", "b", "c"}) streams.push_back(test::example_figures(name, 1));
  streams[1].statistics.description.settings.retention = hours(24);
  streams[1].consumers = {behind("late", 9, hours(23))};
  streams[2].consumers = {behind("old", 9, hours(48))};
  for (Figures& each : streams) add_traffic(each, {});
  EXPECT_EQ(first_words(format_list(streams, {80, {}, true})), (std::vector<std::string>{"stream", "a", "b", "c"}));
  EXPECT_EQ(first_words(format_list(streams, {80, 4, true})), (std::vector<std::string>{"stream", "b", "c", "a"}))
      << "the one that loses data, and the one that is farthest behind";
  streams[0].consumers = {behind("new", 9, hours(48) + seconds(30))};
  add_traffic(streams[0], {});
  EXPECT_EQ(first_words(format_list(streams, {80, 50, true})), (std::vector<std::string>{"stream", "b", "a", "c"}))
      << "half a minute is no reason to change places";
  const std::vector<std::string> lines = lines_of(format_list(streams, {60, {}, true}));
  EXPECT_TRUE(lines.at(2).ends_with("  23h  loses data")) << "in words, because a pipe has no colours: " << lines[2];
  EXPECT_TRUE(lines.at(3).ends_with("  2d")) << lines[3];
}

TEST(Prometheus, GetsUtf8WhateverTheNames) {
  const auto text_of = [](const std::string& name) { return format_prometheus({test::example_figures(name, 1)}); };
  for (const char* const name : {"caf\xc3\xa9", "a\xff\"b", "\xc3"}) {
    EXPECT_TRUE(utf8_length(text_of(name)).has_value()) << printable(name);
  }
  EXPECT_NE(text_of("caf\xc3\xa9").find("shardlog_open_shards{stream=\"caf\xc3\xa9\"} 1\n"), std::string::npos);
  EXPECT_NE(text_of("a\xff\"b").find(R"(shardlog_open_shards{stream="a\\xff\"b"} 1)"), std::string::npos);
}

TEST(Page, HasNoLongerLinesWhateverTheNames) {
  Figures figures = busy_stream();
  figures.name = std::string(300, 'n');
  for (ConsumerFigures& each : figures.consumers) each.statistics.consumer.name = std::string(128, 'c');
  for (const auto part : {View::Part::overview, View::Part::shards, View::Part::consumers, View::Part::latency}) {
    for (const std::size_t width : {40U, 60U, 80U, 100U, 140U, 200U}) {
      View view{{width, 24, true}, false, true, part};
      for (const std::string& line : lines_of(format_page(figures, view))) {
        EXPECT_LE(utf8_length(line), width) << line;
      }
    }
  }
}

}  // namespace
}  // namespace shardlog::cli
