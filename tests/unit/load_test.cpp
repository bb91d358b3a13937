#include "tools/stream-stats/load.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace shardlog::cli {
namespace {

constexpr double mebibyte = 1 << 20;

const std::pair<std::string_view, Load> loads[] = {
    {"5000/s,2MiB/s", {5000, 2 * mebibyte}},
    {"2MiB/s,5000/s", {5000, 2 * mebibyte}},
    {"5000/s", {5000}},
    {"0.5/s", {0.5}},
    {"2MiB/s", {{}, 2 * mebibyte}},
    {"1.5MB/s", {{}, 1'500'000}},
    {"100B/s", {{}, 100}},
    {"10/s,3 consumers", {10, {}, 3}},
    {"3consumers, 10/s", {10, {}, 3}},
    {"10/s , 1 consumer", {10, {}, 1}},
    {"1000000000000/s", {1e12}},
    {"10/s,10000 consumers", {10, {}, 10'000}},
};

TEST(LoadOfAPerson, HasRecordsOrBytesAndPerhapsConsumers) {
  for (const auto& [text, load] : loads) EXPECT_EQ(parse_load(text), load) << text;
}

TEST(LoadOfAPerson, IsNothingElse) {
  for (const std::string_view text : {"",
                                      ",",
                                      "/s",
                                      "5000",
                                      "2MiB",
                                      "5000/s,",
                                      ",5000/s",
                                      "0/s",
                                      "0B/s",
                                      "0MiB/s",
                                      "-5/s",
                                      "+5/s",
                                      "5./s",
                                      ".5/s",
                                      "1e3/s",
                                      "inf/s",
                                      "nan/s",
                                      "5 /s",
                                      "5k/s",
                                      "5M/s",
                                      "1.2.3/s",
                                      "0.5B/s",
                                      "5000/m",
                                      "5000/s/s",
                                      "5000/s 2MiB/s",
                                      "5000/s,2/s",
                                      "1B/s,2B/s",
                                      "3 consumers",
                                      "5/s,0 consumers",
                                      "5/s,1.5 consumers",
                                      "5/s,10001 consumers",
                                      "5/s,1 consumer,2 consumers",
                                      "1000000000001/s",
                                      "8589934592GiB/s",
                                      "5/s,,2B/s"}) {
    EXPECT_EQ(parse_load(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace shardlog::cli
