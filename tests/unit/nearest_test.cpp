#include "shardlog/core/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace shardlog {
namespace {

const std::vector<std::string> streams{"orders", "billing", "logs", "s", "orders-2025", "orders-2026"};

TEST(Nearest, OneLetterLeftOutPutInOrReplaced) {
  EXPECT_EQ(nearest("orers", streams), "orders");
  EXPECT_EQ(nearest("orrders", streams), "orders");
  EXPECT_EQ(nearest("ordars", streams), "orders");
  EXPECT_EQ(nearest("biling", streams), "billing");
}

TEST(Nearest, TwoNeighboursSwappedAreOneDifference) {
  EXPECT_EQ(nearest("lgos", streams), "logs");  // of four letters only one may differ
  EXPECT_EQ(nearest("ogls", streams), std::nullopt);
}

TEST(Nearest, TheOneWithTheFewestDifferences) {
  EXPECT_EQ(nearest("orders-2006", streams), "orders-2026");
  EXPECT_EQ(nearest("orders-2025", streams), "orders-2025");
}

TEST(Nearest, AThirdOfTheLettersMayDiffer) {
  EXPECT_EQ(nearest("oxdexs", streams), "orders");
  EXPECT_EQ(nearest("oxdexx", streams), std::nullopt);
  EXPECT_EQ(nearest("ab", {"ac"}), std::nullopt);
  EXPECT_EQ(nearest("abc", {"abd"}), "abd");
}

TEST(Nearest, CaseDoesNotCount) {
  EXPECT_EQ(nearest("ORDERS", streams), "orders");
  EXPECT_EQ(nearest("S", streams), "s");
}

TEST(Nearest, TheOnlyOneThatBeginsWithIt) {
  EXPECT_EQ(nearest("bil", streams), "billing");
  EXPECT_EQ(nearest("bi", streams), std::nullopt);
  EXPECT_EQ(nearest("last", {"latest", "last:N"}), "last:N");
  EXPECT_EQ(nearest("orders-", {"orders-of-yesterday", "orders-of-the-day-before"}), std::nullopt);
}

TEST(Nearest, NothingForNothing) {
  EXPECT_EQ(nearest("", streams), std::nullopt);
  EXPECT_EQ(nearest("orders", {}), std::nullopt);
  EXPECT_EQ(nearest("orders", {""}), std::nullopt);
}

TEST(Nearest, WordsTooLongForAnyName) {
  const std::string longest(256, 'a');
  EXPECT_EQ(nearest(longest + "a", {longest}), std::nullopt);
  EXPECT_EQ(nearest(longest, {longest}), longest);
}

TEST(DidYouMean, EndsAMessage) {
  EXPECT_EQ(did_you_mean("orers", streams), "; did you mean 'orders'?");
  EXPECT_EQ(did_you_mean("something else", streams), "");
}

TEST(WhatThereIs, AGuessOrTheNames) {
  EXPECT_EQ(what_there_is("x", {}), "; the stream has none");
  EXPECT_EQ(what_there_is("biling", {"billing", "nightly"}), "; did you mean 'billing'?");
  EXPECT_EQ(what_there_is("x", {"billing"}), "; the stream has 'billing'");
  EXPECT_EQ(what_there_is("x", {"billing", "nightly"}), "; the stream has 'billing' and 'nightly'");
  EXPECT_EQ(what_there_is("x", {"c1", "c2", "c3", "c4", "c5"}), "; the stream has 'c1', 'c2', 'c3', 'c4' and 'c5'");
  EXPECT_EQ(what_there_is("x", {"c1", "c2", "c3", "c4", "c5", "c6"}),
            "; the stream has 'c1', 'c2', 'c3', 'c4' and 2 more");
}

}  // namespace
}  // namespace shardlog
