#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>

#include "support/temporary_directory.h"
#include "tools/stream-serve/api/service.h"

namespace shardlog::serve::api {
namespace {

using namespace std::chrono_literals;

/// A second passes each time that somebody looks at it.
class HastyClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return system_.now(); }
  [[nodiscard]] Duration elapsed() const override { return ++looks_ * Duration(1s); }

 private:
  SystemClock system_;
  mutable std::atomic<int> looks_ = 0;
};

TEST(Service, EndsAPageOfStreamsWhenItTakesLong) {
  const test::TemporaryDirectory directory;
  const HastyClock clock;
  Catalogue catalogue(directory.path(), {}, clock);
  Subscriptions subscriptions({}, clock);
  AccountSettings account_settings;
  Transitions transitions(0s, clock);
  const Service service({catalogue, clock, {}, 10, subscriptions, account_settings, transitions, nullptr, {}}, {});
  for (const char* const name : {"a", "b"}) catalogue.create(name, {});
  const auto list = [&service](const std::string& request) {
    return service
        .answer({"POST",
                 "/",
                 {{"x-amz-target", "Kinesis_20131202.ListStreams"},
                  {"content-type", "application/x-amz-json-1.1"},
                  {"authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/kinesis/e, SignedHeaders=host, Signature=0"},
                  {"x-amz-date", "20261126T000000Z"}},
                 request})
        .body;
  };
  EXPECT_TRUE(list("{}").starts_with(R"({"StreamNames":["a"],"HasMoreStreams":true,"NextToken":"a","Stream)"));
  EXPECT_TRUE(list(R"({"NextToken":"a"})").starts_with(R"({"StreamNames":["b"],"HasMoreStreams":false,"Stream)"));
}

}  // namespace
}  // namespace shardlog::serve::api
