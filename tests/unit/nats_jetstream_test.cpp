#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/nats/jetstream.h"
#include "shardlog/nats/jetstream_format.h"
#include "shardlog/nats/json.h"
#include "shardlog/nats/library.h"
#include "shardlog/nats/message.h"
#include "shardlog/nats/outage.h"
#include "shardlog/nats/server_info.h"

namespace shardlog::nats {
namespace {

using namespace std::chrono_literals;

std::string text_of(std::string_view time) {
  return to_rfc3339(parse_time(time));
}

/// Moves on by 300 ms at each look.
class HurryingClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return {}; }
  [[nodiscard]] Duration elapsed() const override { return elapsed_ += 300ms; }

 private:
  mutable Duration elapsed_{0};
};

template <typename Ask>
ErrorCode code_of_insisting(Ask&& ask) {
  const HurryingClock clock;
  Patience patience(clock, 1s);
  try {
    patience.insist("orders: read", ask);
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, 13), "orders: read:");
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(NatsJson, Base64) {  // RFC 4648, section 10
  const std::vector<std::pair<std::string, std::string>> cases{{"", ""},
                                                               {"Zg==", "f"},
                                                               {"Zm8=", "fo"},
                                                               {"Zm9v", "foo"},
                                                               {"Zm9vYg==", "foob"},
                                                               {"Zm9vYmE=", "fooba"},
                                                               {"Zm9vYmFy", "foobar"}};
  for (const auto& [encoded, text] : cases) EXPECT_EQ(decode_base64(encoded), text);
  EXPECT_EQ(decode_base64("AP+/"), std::string("\0\xff\xbf", 3));
  for (const char* const text : {"Z", "Zg=", "Zm9vY", "Z===", "Zm9=v===", "Zm-_", "Zm9\n"}) {
    EXPECT_THROW(decode_base64(text), Error) << text;
  }
}

TEST(NatsJson, TimesAreCutToMicroseconds) {
  EXPECT_EQ(text_of("2026-01-31T23:59:59.123456999Z"), "2026-01-31T23:59:59.123456Z");
  EXPECT_EQ(text_of("2026-01-31T23:59:59.1Z"), "2026-01-31T23:59:59.100000Z");
  EXPECT_EQ(text_of("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00.000000Z");
  EXPECT_EQ(parse_time("0001-01-01T00:00:00Z"), Timestamp());
  for (const char* const text :
       {"", "2026-01-31", "2026-01-31T23:59:59", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-01-31T23:59:59.Z", "2026-01-31T23:59:59.1234567890Z", "2026-01-31T23:59:59+01:00"}) {
    EXPECT_THROW(parse_time(text), Error) << text;
  }
}

TEST(NatsJson, StringsAreEscaped) {
  EXPECT_EQ(json_string("a\"b\\c\n\x01\xc3\xa4"), "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa4\"");
}

TEST(NatsJson, TheVersionOfAServer) {
  EXPECT_EQ(version_in(R"(INFO {"server_id":"N","version":"2.9.10","proto":1} )"), "2.9.10");
  for (const char* const text : {"", "INFO ", "INFO {}", "+OK", R"({"version":"1"})", R"(INFO {"version":1})"}) {
    EXPECT_EQ(version_in(text), "") << text;
  }
}

TEST(NatsJetStream, AConfigurationIsWrittenInJetStreamsWords) {
  const JetStreamConfig config{.name = "S",
                               .subjects = {"a.>", "b"},
                               .replicas = 1,
                               .most_per_subject = 1,
                               .refuse_more_per_subject = true,
                               .duplicate_window = 2s,
                               .max_age = 1s};
  const Json json(json_of(config));
  EXPECT_EQ(text_in(*json, "name"), "S");
  EXPECT_EQ(text_in(*json, "discard"), "new");
  EXPECT_TRUE(bool((*json)["discard_new_per_subject"]));
  EXPECT_EQ(text_in(*json, "storage"), "file");
  EXPECT_EQ(number_in(*json, "num_replicas"), 1U);
  EXPECT_EQ(number_in(*json, "max_age"), 1'000'000'000U);
  EXPECT_EQ(number_in(*json, "duplicate_window"), 1'000'000'000U);  // JetStream refuses one over max_age
  EXPECT_FALSE(bool((*json)["allow_direct"]));
}

TEST(NatsJetStream, AConfigurationIsReadBack) {
  const JetStreamConfig config{.name = "S",
                               .subjects = {"a.>", "b\"c"},
                               .replicas = 5,
                               .most_per_subject = 8,
                               .duplicate_window = 100ms,
                               .description = "of \"orders\"",
                               .metadata = {{"uuid", "x\ny"}, {"b", ""}}};
  const std::string answer =
      R"({"config":)" + json_of(config) +
      R"(,"created":"2026-01-31T00:00:00.5Z","state":{"messages":3,"bytes":4,"first_seq":5,)"
      R"("last_seq":7,"last_ts":"2026-02-01T00:00:00Z","subjects":{"a.1":2,"b":1}},)"
      R"("cluster":{"leader":"n2","replicas":[{"active":9000000000},{"active":3000},{"active":2000000},)"
      R"({"active":8000000000}]}})";
  const Json json(answer);
  const JetStreamInfo info = info_in(*json);
  EXPECT_EQ(json_of(info.config), json_of(config));
  EXPECT_EQ(info.config.metadata, config.metadata);
  EXPECT_EQ(info.config.description, config.description);
  EXPECT_EQ(info.messages, 3U);
  EXPECT_EQ(info.bytes, 4U);
  EXPECT_EQ(info.first_sequence, 5U);
  EXPECT_EQ(info.last_sequence, 7U);
  EXPECT_EQ(info.subjects, (std::map<std::string, std::uint64_t>{{"a.1", 2}, {"b", 1}}));
  EXPECT_EQ(info.leader, "n2");
  EXPECT_EQ(info.heard, 2ms) << "two of four followers, with the leader three of five";
  EXPECT_EQ(to_rfc3339(info.created), "2026-01-31T00:00:00.500000Z");
  EXPECT_EQ(to_rfc3339(info.last_time), "2026-02-01T00:00:00.000000Z");
}

TEST(NatsJetStream, AMessageIsReadWithItsHeaders) {
  // The headers are "NATS/1.0\r\nA: 1\r\nB:two words\r\nC: \r\n\r\n", the data "x".
  const Json json(std::string_view(
      R"({"message":{"subject":"s.1","seq":9,"hdrs":"TkFUUy8xLjANCkE6IDENCkI6dHdvIHdvcmRzDQpDOiANCg0K","data":"eA==",)"
      R"("time":"2026-01-31T23:59:59.123456789Z"}})"));
  const KeptMessage message = message_in(*json);
  EXPECT_EQ(message.subject, "s.1");
  EXPECT_EQ(message.sequence, 9U);
  EXPECT_EQ(message.data, "x");
  EXPECT_EQ(message.headers, (Headers{{"A", "1"}, {"B", "two words"}, {"C", ""}}));
  EXPECT_EQ(message.header("B"), "two words");
  EXPECT_FALSE(message.header("D"));
  EXPECT_EQ(to_rfc3339(message.time), "2026-01-31T23:59:59.123456Z");
}

TEST(NatsJetStream, AnswersThatMeanTryAgain) {
  for (const char* const error : {R"({"code":503,"err_code":10008,"description":"temporarily unavailable"})",
                                  R"({"code":500,"err_code":10009,"description":"not leader"})",
                                  R"({"code":408,"err_code":10004,"description":"incomplete results"})",
                                  R"({"code":503,"description":"raft: not leader"})"}) {
    const Json json(std::string(R"({"error":)") + error + "}");
    const auto read = error_in(*json);
    ASSERT_TRUE(read) << error;
    EXPECT_TRUE(std::holds_alternative<Unavailable>(*read)) << error;
  }
  const Json fine(std::string_view(R"({"stream":"S","seq":1})"));
  EXPECT_FALSE(error_in(*fine));
}

Answer<Published> published(std::string_view answer) {
  start_library();
  return JetStream::published(Message(make_message("_INBOX.1", "", {}, answer).release()));
}

TEST(NatsJetStream, AMessageIsStoredOnceItHasASequence) {
  const auto first = published(R"({"stream":"S", "seq":3})");
  EXPECT_EQ(std::get<Published>(first).sequence, 3U);
  EXPECT_FALSE(std::get<Published>(first).duplicate);
  const auto again = published(R"({"stream":"S", "seq":3, "duplicate": true})");
  EXPECT_EQ(std::get<Published>(again).sequence, 3U);
  EXPECT_TRUE(std::get<Published>(again).duplicate);
}

TEST(NatsJetStream, NobodyKnowsOfAMessageWhoseFirstIsInFlightOrThatALostServerRefuses) {
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(published(R"({"stream":"S", "seq":0, "duplicate": true})")));
  EXPECT_TRUE(std::holds_alternative<NoAnswer>(published(
      R"({"error":{"code":400,"err_code":10063,"description":"expected stream sequence does not match"},"seq":0})")));
}

TEST(NatsJetStream, AnAnswerWithoutTheSequenceIsNone) {
  EXPECT_THROW(published(R"({"stream":"S"})"), Error);
}

TEST(NatsJetStream, ARefusalKeepsItsCodeAndText) {
  const Json json(std::string_view(R"({"error":{"code":503,"err_code":10077,"description":"maximum messages"}})"));
  const auto error = error_in(*json);
  ASSERT_TRUE(error);
  const auto* const refused = std::get_if<Refusal>(&*error);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->code, refusal::store_failed);
  EXPECT_EQ(refused->text, "maximum messages");
}

TEST(NatsJetStream, WhatARefusalMeansToTheCaller) {
  const std::vector<std::pair<Refusal, ErrorCode>> cases{
      {{10047, "insufficient storage"}, ErrorCode::full},
      {{10023, "insufficient resources"}, ErrorCode::full},
      {{10077, "no space left on device"}, ErrorCode::full},
      {{10059, "it was removed"}, ErrorCode::not_found},
      {{10058, "name in use"}, ErrorCode::exists},
      {{10005, "no suitable peers"}, ErrorCode::busy},
      {{0, "Permissions Violation for Publish to \"x\""}, ErrorCode::permission},
      {{0, "Authorization Violation"}, ErrorCode::permission},
      {{10052, "other"}, ErrorCode::io},
  };
  for (const auto& [refused, code] : cases) {
    const Error error = error_of("orders: append", refused);
    EXPECT_EQ(error.code(), code) << refused.text;
    EXPECT_EQ(std::string(error.what()).find("orders: append: " + refused.text), 0U) << error.what();
  }
}

TEST(NatsPatience, ItEndsWithAResultOrARefusal) {
  const HurryingClock clock;
  Patience patience(clock, 10s);
  int tries = 0;
  const auto answer = patience.insist("x", [&](Duration wait) -> Answer<int> {
    EXPECT_EQ(wait, 1s);
    ++tries;
    if (tries == 1) return Unavailable{};
    if (tries == 2) return NoAnswer{};
    return 7;
  });
  EXPECT_EQ(std::get<int>(answer), 7);
  const auto refused = patience.insist("x", [](Duration) -> Answer<int> { return Refusal{1, "no"}; });
  EXPECT_EQ(std::get<Refusal>(refused).code, 1);
}

TEST(NatsPatience, ATimeoutWithoutAnyTryOfUnknownOutcomeIsBusy) {
  EXPECT_EQ(code_of_insisting([](Duration) -> Answer<int> { return Unavailable{}; }), ErrorCode::busy);
}

TEST(NatsPatience, OneTryOfUnknownOutcomeMakesTheTimeoutAnUnknownOne) {
  int tries = 0;
  EXPECT_EQ(code_of_insisting([&](Duration) -> Answer<int> {
              if (tries++ == 0) return NoAnswer{};
              return Unavailable{};
            }),
            ErrorCode::io);
}

TEST(NatsPatience, ATimeoutMayBeAsLongAsForEver) {
  const HurryingClock clock;
  const Patience patience(clock, Duration::max());
  EXPECT_GT(patience.left(), 24h);
}

class NatsOutage : public testing::Test {
 protected:
  void wait(Duration duration) { clock_.elapsed_ += duration; }
  void fail_for(Duration duration) {
    wait(duration);
    outage_.unanswered_for(duration);
  }

  struct SetClock final : Clock {
    [[nodiscard]] Timestamp now() const override { return {}; }
    [[nodiscard]] Duration elapsed() const override { return elapsed_; }
    Duration elapsed_ = 1h;
  } clock_;
  std::vector<std::string> told_;
  Outage outage_{[this](const std::string& line) { told_.push_back(line); }, clock_};

  const std::string begin_ = "NATS: no answer from its servers for 1 s, or no majority of them; still trying";
};

TEST_F(NatsOutage, ItsBeginIsToldOnceAfterASecondAndItsEnd) {
  fail_for(999ms);
  EXPECT_TRUE(told_.empty());
  fail_for(1ms);
  fail_for(10s);
  EXPECT_EQ(told_, std::vector{begin_});
  outage_.answered();
  outage_.answered();
  EXPECT_EQ(told_, (std::vector<std::string>{begin_, "NATS: its servers answer again, after 11.0 s"}));
  fail_for(1s);
  EXPECT_EQ(told_.size(), 3U);
}

TEST_F(NatsOutage, AnAnswerInBetweenIsTheEndOfSilence) {
  wait(500ms);
  outage_.answered();
  wait(600ms);
  outage_.unanswered_for(1100ms);
  EXPECT_TRUE(told_.empty());
}

TEST_F(NatsOutage, ManyShortTriesAreOneOutage) {
  for (int i = 0; i < 4; ++i) fail_for(200ms);
  wait(1s);
  fail_for(100ms);
  EXPECT_EQ(told_,
            std::vector<std::string>{"NATS: no answer from its servers for 2 s, or no majority of them; still trying"});
}

TEST_F(NatsOutage, WhatWasLongAgoIsForgotten) {
  fail_for(500ms);
  wait(1h);
  fail_for(600ms);
  EXPECT_TRUE(told_.empty());
}

TEST_F(NatsOutage, NobodyHasToBeTold) {
  Outage untold({}, clock_);
  untold.unanswered_for(10s);
  untold.answered();
  EXPECT_TRUE(told_.empty());
}

TEST_F(NatsOutage, PatienceTellsOfTriesAndOfTheirEndUnlessItIsAStep) {
  int tries = 0;
  const auto fails_twice = [&](Duration) -> Answer<int> {
    wait(600ms);
    if (tries++ < 2) return NoAnswer{};
    return 7;
  };
  Patience patience(clock_, 10s, &outage_);
  patience.for_a_step().insist("x", fails_twice);
  EXPECT_EQ(told_, std::vector{begin_});
  patience.insist("x", fails_twice);
  EXPECT_EQ(told_.size(), 2U);
}

}  // namespace
}  // namespace shardlog::nats
