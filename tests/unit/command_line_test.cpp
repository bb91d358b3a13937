#include "tools/common/command_line.h"

#include <gtest/gtest.h>

#include <string>

#include "shardlog/core/error.h"

namespace shardlog::cli {
namespace {

using Value = OptionShape::Value;

const CommandShape reads{
    {{{"h"}, {}, Value::none, ""},
     {{"f"}, {"follow"}, Value::none, ""},
     {{"n"}, {"count"}, Value::one, "N"},
     {{"c"}, {"consumer"}, Value::one, "NAME"},
     {{}, {"shard"}, Value::many, "ID"},
     {{}, {"watch"}, Value::optional, "DURATION", "2s", [](const std::string& text) { return text == "1s"; }},
     {{"0"}, {"null"}, Value::none, ""}},
    {"STREAM"}};

const CommandShape puts{{{{"k"}, {"key"}, Value::one, "KEY"}}, {"STREAM", "FILE"}, true};

std::string check(const std::vector<std::string>& arguments, const CommandShape& shape = reads) {
  try {
    read_command_line(arguments, shape);
    return "right";
  } catch (const Error& error) {
    return error.code() == ErrorCode::usage ? error.what() : "not usage";
  }
}

TEST(CommandLine, TakesWhatIsRight) {
  const std::vector<std::vector<std::string>> right{{},
                                                    {"s"},
                                                    {"-f", "s"},
                                                    {"s", "--follow", "-n", "5"},
                                                    {"-n5", "s"},
                                                    {"-fn5", "s"},
                                                    {"-fn", "5", "s"},
                                                    {"--count=5", "s"},
                                                    {"--count=", "s"},
                                                    {"--count", "", "s"},
                                                    {"--shard", "1", "--shard", "2", "s"},
                                                    {"--watch", "s"},
                                                    {"--watch=1s", "s"},
                                                    {"-f", "-f", "s"},
                                                    {"-0", "s"},
                                                    {"-"},
                                                    {""},
                                                    {"-5"},
                                                    {"--", "--folow"},
                                                    {"-n", "--folow", "s"}};
  for (const auto& arguments : right) EXPECT_EQ(check(arguments), "right") << testing::PrintToString(arguments);
  EXPECT_EQ(check({"s", "a", "b", "c"}, puts), "right");
}

TEST(CommandLine, AMisspeltOptionComesBeforeWhatElseIsWrong) {
  EXPECT_EQ(check({"--count", "1", "--count", "2", "a", "b", "--folow", "1s"}), "--folow: did you mean --follow?");
  EXPECT_EQ(check({"--folow=1", "s"}), "--folow: did you mean --follow?");
  EXPECT_EQ(check({"--cons", "x"}), "--cons: did you mean --consumer?");
}

TEST(CommandLine, GuessesALongOptionWithOneDash) {
  EXPECT_EQ(check({"-follow", "s"}), "-follow: did you mean --follow?");
  EXPECT_EQ(check({"-shard=1", "s"}), "-shard: did you mean --shard?");
  // These could also be -c with a value: only what follows from that is wrong.
  EXPECT_EQ(check({"-consumer", "s"}), "right");
  EXPECT_EQ(check({"-consumer", "x", "s"}), "-consumer: did you mean --consumer?");
}

TEST(CommandLine, GuessesAnOptionOfOneLetter) {
  EXPECT_EQ(check({"-N", "5", "s"}), "-N: did you mean -n?");
  EXPECT_EQ(check({"-x", "s"}), "-x: there is no such option");
  EXPECT_EQ(check({"-fx", "s"}), "-fx: there is no such option");
}

TEST(CommandLine, RefusesAnythingElseWithADash) {
  EXPECT_EQ(check({"--something"}), "--something: there is no such option");
  for (const std::string odd : {"---", "--=", "--=x", "-=", "-f-"}) {
    EXPECT_EQ(check({odd}).substr(0, 1), "-") << odd;
  }
}

TEST(CommandLine, RefusesAMissingValueAndOneTooMany) {
  EXPECT_EQ(check({"s", "-n"}), "--count wants a value: --count N");
  EXPECT_EQ(check({"s", "--shard"}), "--shard wants a value: --shard ID");
  EXPECT_EQ(check({"--follow=yes", "s"}), "--follow takes no value");
  EXPECT_EQ(check({"--follow=", "s"}), "--follow takes no value");
}

TEST(CommandLine, TakesAnOptionOnce) {
  EXPECT_EQ(check({"-k", "a", "--key=b", "s"}, puts), "--key is given twice, as 'a' and as 'b': it takes one KEY");
}

TEST(CommandLine, NamesUnexpectedArgumentsInTheirOrder) {
  EXPECT_EQ(check({"s", "t"}), "unexpected argument 't' after STREAM 's'");
  EXPECT_EQ(check({"s", "-f", "t", "--", "-u"}), "unexpected arguments 't' '-u' after STREAM 's'");
}

TEST(CommandLine, TakesAnOptionalValueOnce) {
  EXPECT_EQ(check({"--watch=1s", "--watch=2s", "s"}),
            "--watch is given twice, as '1s' and as '2s': it takes one DURATION");
}

/// "shard=1 f s": the long names or letters of the options, with their values, and the words.
std::string what_is_said(const std::vector<std::string>& arguments) {
  const CommandLine line = read_command_line(arguments, reads);
  std::string text;
  for (const auto& [option, value] : line.uses) {
    text += reads.options[option].name() + (value.empty() ? "" : "=" + value) + " ";
  }
  for (const std::string& word : line.words) text += "'" + word + "' ";
  return text;
}

TEST(CommandLine, GivesOptionsInTheirOrderAndTheWordsBetweenThem) {
  EXPECT_EQ(what_is_said({"-fn5", "s"}), "--follow --count=5 's' ");
  EXPECT_EQ(what_is_said({"--shard=1", "s", "--count", "", "--shard", "-2"}), "--shard=1 --count --shard=-2 's' ");
  EXPECT_EQ(what_is_said({"--watch", "s", "-h"}), "--watch=2s -h 's' ");
  EXPECT_EQ(what_is_said({"--watch=x", "-0"}), "--watch=x --null ");
  EXPECT_EQ(what_is_said({"--watch", "1s", "s"}), "--watch=1s 's' ");
  EXPECT_EQ(what_is_said({"--watch", "--", "1s"}), "--watch=2s '1s' ");
  EXPECT_EQ(what_is_said({"--", "-f"}), "'-f' ");
  EXPECT_EQ(what_is_said({"-5"}), "'-5' ");
  EXPECT_EQ(what_is_said({"-"}), "'-' ");
  EXPECT_EQ(what_is_said({""}), "'' ");
}

}  // namespace
}  // namespace shardlog::cli
