#include "tools/stream-put/commit_stage.h"

#include <gtest/gtest.h>

#include <future>

#include "support/memory_engine.h"
#include "support/stream_test.h"
#include "support/wait_until.h"

namespace shardlog::cli {
namespace {

class CommitStageTest : public testing::Test {
 protected:
  CommitStageTest() {
    engine_.create("s", test::of_shards(1), clock_);
    stream_ = engine_.open("s", {Access::write}, clock_);
  }

  /// What a chunk of one record becomes, which is on its way from now on.
  Encoded piece(const std::string& data) {
    in_flight_.add();
    Encoded encoded;
    encoded.packed.batches.push_back(test::batch_of(0, {data}));
    encoded.records = 1;
    encoded.chunks = 1;
    encoded.data_bytes = data.size();
    encoded.reads = {{clock_.elapsed(), 1}};
    return encoded;
  }
  void hand_over(Encoded encoded) { queue_.push(std::move(encoded), 1); }

  /// Commits until the queue is closed. Calls `meanwhile` when everything in the queue was taken.
  void run(const std::function<void()>& meanwhile) {
    const StreamDescription description = stream_->describe();
    Progress progress({}, context_, false);
    CommitStage commits(*stream_, description, command_, {}, context_, {}, throttled_);
    auto running = std::async(std::launch::async, [&] { commits.run(queue_, in_flight_, progress); });
    EXPECT_TRUE(test::wait_until([this] { return queue_.is_awaited(); }));
    meanwhile();
    queue_.close();
    running.get();
  }

  [[nodiscard]] std::uint64_t appends() {
    return stream_->maintenance().statistics(Detail::load).shards.at(0).intake.value().appends;
  }

  const SystemClock clock_;
  test::MemoryEngine engine_;
  std::unique_ptr<Stream> stream_;
  PutCommand command_;
  const std::string program_ = "stream-put";
  Output output_{[](std::string_view) {}, false};
  std::mutex commit_mutex_;
  ProcessGroups groups_;
  const Context context_{program_, clock_, output_, {}, commit_mutex_, groups_, std::chrono::seconds(30), true, false};
  BoundedQueue<Encoded> queue_{100};
  InFlight in_flight_;
  std::atomic<bool> throttled_ = false;
};

TEST_F(CommitStageTest, ALittleWaitsForWhatIsBeingEncoded) {
  Encoded second = piece("b");
  hand_over(piece("a"));
  run([&] { hand_over(std::move(second)); });
  EXPECT_EQ(appends(), 1U);
}

TEST_F(CommitStageTest, CommitsAtOnceWhatIsAll) {
  hand_over(piece("a"));
  run([&] {
    EXPECT_EQ(appends(), 1U) << "nothing else was on its way";
    hand_over(piece("b"));
  });
  EXPECT_EQ(appends(), 2U);
}

TEST_F(CommitStageTest, CommitsAtOnceWhereTheEncodingItselfIsSlow) {
  command_.rate = 1;
  Encoded second = piece("b");
  hand_over(piece("a"));
  run([&] { hand_over(std::move(second)); });
  EXPECT_EQ(appends(), 2U);
}

}  // namespace
}  // namespace shardlog::cli
