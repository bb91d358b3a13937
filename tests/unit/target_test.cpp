#include "tools/stream-get/target.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shardlog/core/frame.h"
#include "shardlog/engines.h"
#include "support/refusal.h"
#include "support/temporary_directory.h"

namespace shardlog::cli {
namespace {

using test::refusal;

/// What a command has written.
class Spool {
 public:
  explicit Spool(const std::string& text) : file_(::memfd_create("spool", MFD_CLOEXEC)) {
    EXPECT_EQ(::write(file_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool() { ::close(file_); }

  [[nodiscard]] int file() const { return file_; }

 private:
  int file_;
};

class TargetTest : public testing::Test {
 protected:
  TargetTest() { create(address(), {.shards = 2, .settings = {}, .group = {}}, clock_); }

  [[nodiscard]] std::string address() const { return directory_.path() + "/target"; }

  [[nodiscard]] Target target(const OutputForm& form = {}, Target::Kind kind = Target::Kind::output) const {
    return {kind, address(), form, {source_, consumer_}, context_};
  }

  /// The records from `first` to `last` of shard 5.
  static consuming::Batch batch(std::uint64_t first, std::uint64_t last, std::uint64_t generation = 1) {
    const std::vector<Record> records(static_cast<std::size_t>(last - first + 1), Record{"x", std::nullopt});
    auto stored = std::make_shared<StoredBatch>(
        StoredBatch{ShardId(5), Arrivals(Timestamp()), SequenceRun::dense(first, records.size()),
                    RecordBatch::decode(encode(records).payload), 0, records.size()});
    return {ShardId(5), 1, generation, {{std::move(stored), 0, records.size()}}};
  }

  static Lease lease(std::uint64_t generation = 1) {
    Lease lease{ShardId(5)};
    lease.generation = generation;
    return lease;
  }

  /// "key=data" of all records, in commit order.
  [[nodiscard]] std::vector<std::string> contents() const {
    std::vector<std::string> found;
    const auto stream = open(address(), {}, clock_);
    const auto reader = stream->read({});
    for (ReadResult result = reader->next(1 << 20); !result.batches.empty(); result = reader->next(1 << 20)) {
      for (const StoredBatch& stored : result.batches) {
        for (const Record& record : stored.records)
          found.push_back(std::string(record.key.value_or("")) + "=" + std::string(record.data));
      }
    }
    return found;
  }

  using Contents = std::vector<std::string>;

  const std::string source_ = "00000000-0000-4000-8000-000000000001";
  const std::string consumer_ = "00000000-0000-4000-8000-000000000002";
  test::TemporaryDirectory directory_;
  SystemClock clock_;
  std::string program_ = "stream-get";
  Output output_;
  std::mutex commit_mutex_;
  ProcessGroups groups_;
  Context context_{program_, clock_, output_, {}, commit_mutex_, groups_, std::chrono::seconds(5), false, false};
};

TEST_F(TargetTest, StoresOutputAndPositionTogether) {
  Target into = target();
  EXPECT_EQ(into.position(lease()), std::nullopt);
  into.store(batch(1, 10), Spool("a\nb\nc").file());
  EXPECT_EQ(into.position(lease()), SequenceNumber(10));
  into.store(batch(11, 12), Spool("").file());
  EXPECT_EQ(target().position(lease()), SequenceNumber(12));
  EXPECT_EQ(contents(), (Contents{"=a", "=b", "=c"}));
}

TEST_F(TargetTest, EachGenerationHasItsOwnPositionAndDeadLettersHaveTheirOwn) {
  target().store(batch(1, 10), Spool("a\n").file());
  Target again = target();
  EXPECT_EQ(again.position(lease(2)), std::nullopt);
  again.store(batch(1, 10, 2), Spool("b\n").file());
  Target dead_letters = target({}, Target::Kind::dead_letters);
  EXPECT_EQ(dead_letters.position(lease()), std::nullopt);
  EXPECT_EQ(contents(), (Contents{"=a", "=b"}));
}

TEST_F(TargetTest, IsFencedIfAnotherWasFaster) {
  Target slow = target();
  EXPECT_EQ(slow.position(lease()), std::nullopt);
  target().store(batch(1, 5), Spool("a\n").file());
  EXPECT_EQ(refusal([&] { slow.store(batch(1, 8), Spool("b\n").file()); }), ErrorCode::fenced);
  // The same if it never asked for the position.
  EXPECT_EQ(refusal([&] { target().store(batch(5, 8), Spool("b\n").file()); }), ErrorCode::fenced);
  EXPECT_EQ(contents(), Contents{"=a"});
}

TEST_F(TargetTest, TakesTheFormThatTheCommandWasGiven) {
  target({OutputForm::Kind::delimited, ";;"}).store(batch(1, 1), Spool("a\n;;b").file());
  target({OutputForm::Kind::format, "{data}"}).store(batch(2, 2), Spool("c\n").file());
  target({OutputForm::Kind::json, {}}).store(batch(3, 3), Spool(R"({"data":"d","key":"k"})").file());
  const std::vector<Record> records{{"e", "l"}, {"f", std::nullopt}};
  const EncodedBatch encoded = encode(records);
  const std::string frame =
      frame_header({source_, ShardId(0), SequenceNumber(1), Timestamp{}}, encoded.payload.view()) +
      std::string(encoded.payload.view());
  target({OutputForm::Kind::frames, {}}).store(batch(4, 4), Spool(frame).file());
  Contents found = contents();
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, (Contents{"=a\n", "=b", "=c", "=f", "k=d", "l=e"}));
  EXPECT_EQ(refusal([&] { (void)target({OutputForm::Kind::delimited, ""}); }), ErrorCode::usage);
}

TEST_F(TargetTest, RefusesAllOutputIfSomeIsNotOfTheForm) {
  Target into = target({OutputForm::Kind::json, {}});
  const std::string good = R"({"data":"a"})"
                           "\n";
  try {
    into.store(batch(1, 2), Spool(good + good + "bad\n" + good).file());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::malformed);
    EXPECT_TRUE(std::string(error.what()).starts_with("the command's output, line 3: ")) << error.what();
  }
  EXPECT_EQ(into.position(lease()), std::nullopt);
  EXPECT_EQ(contents(), Contents{});
  EXPECT_EQ(refusal([&] {
              target({OutputForm::Kind::frames, {}}).store(batch(1, 2), Spool(good).file());
            }),
            ErrorCode::malformed);
  EXPECT_EQ(refusal([&] { target().store(batch(1, 2), Spool(std::string(2 << 20, 'x')).file()); }),
            ErrorCode::malformed);
  into.store(batch(1, 2), Spool(good).file());
  EXPECT_EQ(contents(), Contents{"=a"});
}

TEST_F(TargetTest, TakesSixtyFourMebibytesAndNotAByteMore) {
  std::string most;
  for (std::string line = std::string((1 << 20) - 1, 'x') + "\n"; most.size() < most_output;) most += line;
  target().store(batch(1, 2), Spool(most).file());
  EXPECT_EQ(contents().size(), 64U);
  EXPECT_EQ(refusal([&] { target().store(batch(3, 4), Spool(most + "x").file()); }), ErrorCode::malformed);
  EXPECT_EQ(target().position(lease()), SequenceNumber(2));
}

TEST_F(TargetTest, RoutesAgainAfterAMerge) {
  Target into = target({OutputForm::Kind::json, {}});
  const std::string output = R"({"data":"a","key":"k"})";
  into.store(batch(1, 1), Spool(output).file());
  const auto stream = open(address(), {.access = Access::write}, clock_);
  const ReshardStep merge{{ShardId(0), ShardId(1)}, {{ShardId(2), even_ranges(1).front(), ShardId(0), ShardId(1)}}};
  ASSERT_TRUE(stream->resharding().apply(merge, stream->describe().map.version()));
  into.store(batch(2, 2), Spool(output).file());
  EXPECT_EQ(contents(), (Contents{"k=a", "k=a"}));
}

TEST_F(TargetTest, DeadLettersAreStoredOnce) {
  const Record letter{"dead", "k"};
  const Record empty_key{"dead", ""};
  Target first = target({}, Target::Kind::dead_letters);
  first.store(batch(5, 5), letter);
  Target second = target({}, Target::Kind::dead_letters);
  EXPECT_EQ(second.position(lease()), SequenceNumber(5));
  second.store(batch(5, 5), letter);
  second.store(batch(7, 7), letter);
  EXPECT_EQ(contents(), (Contents{"k=dead", "k=dead"}));
  EXPECT_EQ(refusal([&] { first.store(batch(6, 6), letter); }), ErrorCode::fenced);
  EXPECT_EQ(refusal([&] { second.store(batch(8, 8), empty_key); }), ErrorCode::malformed);
}

TEST_F(TargetTest, RefusesTheStreamThatIsRead) {
  const std::string own = open(address(), {}, clock_)->describe().uuid;
  EXPECT_EQ(refusal([&] {
              Target(Target::Kind::output, address(), {}, {own, consumer_}, context_);
            }),
            ErrorCode::usage);
}

}  // namespace
}  // namespace shardlog::cli
