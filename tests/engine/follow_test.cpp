#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "shardlog/sqlite/commit_watch.h"
#include "shardlog/sqlite/writer_lock.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::any_budget;
using test::data_of;
using test::drain;
using test::time_of;
using test::wait_until;

class Follow : public test::StreamTest {
 protected:
  Follow() {
    create(2);
    stream_ = open_to_read();
  }

  std::unique_ptr<Reader> follow(ReadRequest request = {}) {
    request.follow = true;
    return stream_->read(request);
  }

  /// Whether a commit is noticed sooner or later; a single wait() may end at the interval of its own looks.
  static bool notices(Reader& reader) {
    return wait_until([&] { return reader.wait(1s, {}); });
  }

  static bool ended(Reader& reader) {
    const ReadResult result = reader.next(any_budget);
    EXPECT_TRUE(result.batches.empty());
    return result.at_end;
  }

  std::unique_ptr<Stream> stream_;
};

TEST_F(Follow, GoesOnAfterTheTail) {
  const auto reader = follow();
  EXPECT_FALSE(ended(*reader));
  EXPECT_FALSE(ended(*reader));
  put(*open_to_write(), 0, {"a"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
  EXPECT_FALSE(ended(*reader));
  put(*open_to_write(), 1, {"b"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"b"});
}

TEST_F(Follow, FromLatestDeliversWhatComesAfterTheStart) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  put(*writer, 1, {"b"});
  const auto reader = follow({.from = Latest{}});
  EXPECT_FALSE(ended(*reader));
  put(*writer, 0, {"c"});
  put(*writer, 1, {"d"});
  EXPECT_EQ(data_of(drain(*reader)), (Lines{"c", "d"}));
}

TEST_F(Follow, FromLatestIsPinnedWhenTheReadIsSetUp) {
  const auto reader = follow({.from = Latest{}});
  put(*open_to_write(), 0, {"a"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
}

TEST_F(Follow, FromATimeToComeLeavesOutWhatArrivesBeforeIt) {
  const auto writer = open_to_write();
  const auto reader = follow({.from = AtTime{clock_.now() + 2s}, .until = AtTime{clock_.now() + 3s}});
  put(*writer, 0, {"a"});
  EXPECT_FALSE(ended(*reader));
  clock_.step(1999999us);
  put(*writer, 1, {"b"});
  EXPECT_FALSE(ended(*reader));
  clock_.step(1us);
  put(*writer, 0, {"c"});
  put(*writer, 1, {"d"});
  EXPECT_EQ(data_of(drain(*reader)), (Lines{"c", "d"}));
  clock_.step(1s);
  put(*writer, 1, {"e"});
  EXPECT_TRUE(ended(*reader));
}

TEST_F(Follow, EndsAtATimeHoweverRarelyItLooks) {
  const auto reader = follow({.until = AtTime{clock_.now() + 1ms}, .notice = false});
  EXPECT_FALSE(ended(*reader));
  EXPECT_LT(time_of([&] { reader->wait(1h, {}); }), 10s);
  clock_.step(1ms);
  EXPECT_TRUE(ended(*reader));
}

TEST_F(Follow, NoticesACommitOfAnotherThread) {
  const auto reader = follow();
  EXPECT_FALSE(ended(*reader));
  const std::jthread other([this] { put(*open_to_write(), 0, {"a"}); });
  EXPECT_TRUE(notices(*reader));
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
}

TEST_F(Follow, NoticesACommitThatWasMadeBeforeItWaits) {
  const auto reader = follow();
  EXPECT_FALSE(ended(*reader));
  put(*open_to_write(), 0, {"a"});
  EXPECT_TRUE(reader->wait(1h, {}));
}

TEST_F(Follow, NoticesACommitOnlyWhenItCanBeRead) {
  const auto reader = follow();
  std::atomic<bool> done = false;
  const std::jthread other([&] {
    const auto writer = open_to_write();
    for (int i = 0; i < 50; ++i) put(*writer, 0, {"a"});
    done = true;
  });
  std::size_t found = 0;
  while (!done) {
    if (reader->wait(1s, {})) found += drain(*reader).size();
  }
  while (reader->wait(0s, {})) found += drain(*reader).size();
  EXPECT_EQ(found, 50U) << "nothing came after the notice of the last commit";
}

TEST_F(Follow, IsWokenByCommitsOnly) {
  const auto reader = follow();
  const auto writer = open_to_write();
  int noticed = 0;
  for (int i = 0; i < 20; ++i) {
    put(*writer, 0, {"a"});
    put(*writer, 1, {"b"});
    while (reader->wait(0s, {})) ++noticed;
  }
  EXPECT_LE(noticed, 40);
  EXPECT_GE(noticed, 20);
  drain(*reader);
  EXPECT_FALSE(reader->wait(10ms, {}));
  lines();
  findings(*open_to_read());
  EXPECT_FALSE(reader->wait(10ms, {})) << "by somebody who reads";
}

TEST_F(Follow, WaitsNoLongerThanItIsTold) {
  const auto reader = follow();
  bool noticed = true;
  const auto time = time_of([&] { noticed = reader->wait(20ms, {}); });
  EXPECT_FALSE(noticed);
  EXPECT_GE(time, 20ms);
}

TEST_F(Follow, LooksByItselfNowAndThen) {
  const auto reader = follow();
  EXPECT_LT(time_of([&] { reader->wait(1h, {}); }), 20s);
}

TEST_F(Follow, WithoutNoticeWaitsTheWholeTime) {
  const auto reader = follow({.notice = false});
  put(*open_to_write(), 0, {"a"});
  bool noticed = true;
  EXPECT_GE(time_of([&] { noticed = reader->wait(250ms, {}); }), 250ms);
  EXPECT_FALSE(noticed);
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
}

TEST_F(Follow, IsWokenByAStopAtOnce) {
  const auto reader = follow({.notice = false});
  std::stop_source stop;
  const std::jthread other([&] { stop.request_stop(); });
  EXPECT_LT(time_of([&] { EXPECT_FALSE(reader->wait(1h, stop.get_token())); }), 20s);
}

TEST_F(Follow, DoesNotWaitAfterAStop) {
  const auto reader = follow({.notice = false});
  std::stop_source stop;
  stop.request_stop();
  for (int i = 0; i < 3; ++i) EXPECT_LT(time_of([&] { reader->wait(1h, stop.get_token()); }), 20s);
}

TEST_F(Follow, WaitsAgainForWhoDidNotStop) {
  const auto reader = follow({.notice = false});
  std::stop_source stop;
  stop.request_stop();
  reader->wait(1h, stop.get_token());
  EXPECT_GE(time_of([&] { reader->wait(20ms, {}); }), 20ms);
}

TEST_F(Follow, UntilATimeEndsAtTheFirstRecordOfThatTime) {
  const auto writer = open_to_write();
  const auto reader = follow({.until = AtTime{clock_.now() + 1s}});
  put(*writer, 0, {"a"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
  clock_.step(1s - 1us);
  put(*writer, 0, {"b"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"b"});
  EXPECT_FALSE(ended(*reader));
  clock_.step(1us);
  put(*writer, 0, {"c"});
  EXPECT_TRUE(ended(*reader));
  EXPECT_TRUE(ended(*reader));
}

TEST_F(Follow, UntilATimeEndsThoughNothingMoreComes) {
  put(*open_to_write(), 0, {"a"});
  const auto reader = follow({.until = AtTime{clock_.now() + 1s}});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
  clock_.step(1s - 1us);
  EXPECT_FALSE(ended(*reader));
  clock_.step(1us);
  EXPECT_TRUE(ended(*reader));
  EXPECT_TRUE(ended(*reader));
}

TEST_F(Follow, UntilATimeDoesNotEndWhileACommitMayBeUnderWay) {
  const auto reader = follow({.until = AtTime{clock_.now() + 1s}});
  clock_.step(1h);
  const sqlite::WriterLock lock(file("lock"), true);
  {
    const auto held = lock.acquire(20s);
    EXPECT_FALSE(ended(*reader));
  }
  EXPECT_TRUE(ended(*reader));
}

TEST_F(Follow, UntilATimeDeliversWhatArrivedBeforeAndWasCommittedAfter) {
  // The clock steps over the end while the commit of an earlier arrival is still to be read.
  const auto reader = follow({.until = AtTime{clock_.now() + 1s}});
  put(*open_to_write(), 0, {"a"});
  clock_.step(1h);
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
  EXPECT_TRUE(ended(*reader));
}

TEST_F(Follow, UntilLatestEndsAtTheTailOfTheStart) {
  const auto writer = open_to_write();
  put(*writer, 0, {"a"});
  const auto reader = follow({.until = Latest{}});
  put(*writer, 0, {"b"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"a"});
  EXPECT_TRUE(ended(*reader));
}

TEST_F(Follow, OfOneShardPassesOverTheOthers) {
  const auto writer = open_to_write();
  const auto reader = follow({.shards = {ShardId(1)}});
  for (int i = 0; i < 10; ++i) put(*writer, 0, {"a"}, Sync::normal);
  EXPECT_FALSE(ended(*reader));
  put(*writer, 1, {"b"});
  EXPECT_EQ(data_of(drain(*reader)), Lines{"b"});
}

TEST_F(Follow, DeliversEverythingOfManyWritersInOrder) {
  constexpr int each = 100;
  const auto reader = follow();
  std::vector<test::Delivered> records;
  {
    std::vector<std::jthread> writers;
    for (std::uint32_t shard = 0; shard < 2; ++shard) {
      writers.emplace_back([this, shard] {
        const auto writer = open_to_write();
        for (int i = 1; i <= each; ++i) put(*writer, shard, {std::to_string(i)}, Sync::normal);
      });
    }
    ASSERT_TRUE(wait_until([&] {
      const auto more = drain(*reader, 1);
      records.insert(records.end(), more.begin(), more.end());
      if (records.size() < 2 * each) reader->wait(1s, {});
      return records.size() >= 2 * each;
    }));
  }
  std::vector<int> next(2, 1);
  for (const test::Delivered& record : records) {
    EXPECT_EQ(record.data, std::to_string(next.at(record.shard)));
    EXPECT_EQ(record.sequence, record.data);
    ++next.at(record.shard);
  }
  EXPECT_EQ(next, (std::vector{each + 1, each + 1}));
}

}  // namespace
}  // namespace shardlog
