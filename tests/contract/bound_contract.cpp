// Streams that may hold only so much.

#include <atomic>
#include <thread>

#include "contract/contract.h"
#include "shardlog/consuming/consumer.h"
#include "shardlog/core/uuid.h"
#include "shardlog/producing/producer.h"
#include "shardlog/producing/writer.h"

namespace shardlog::contract {
namespace {

constexpr std::uint64_t bound = 10 * test::kibibyte;

class BoundContract : public Contract {
 protected:
  void create_bounded(WhenFull when_full) {
    CreateOptions options;
    options.settings.max_record_size = test::kibibyte;
    options.settings.max_bytes = bound;
    options.settings.when_full = when_full;
    create(options);
    stream_ = open();
  }

  /// Appends one record of 1000 bytes, which begins with `mark`. What came of it.
  Outcome add(char mark) {
    const RoutedBatch batch = test::batch_of(0, {std::string(1000, mark)});
    Outcome outcome = stream_->append({{&batch, 1}}).at(0);
    if (const auto* const stored = std::get_if<Stored>(&outcome)) numbers_.push_back(stored->sequences[0]);
    return outcome;
  }
  bool fits(char mark) { return std::holds_alternative<Stored>(add(mark)); }

  /// The first letters of what can be read.
  std::string held() {
    std::string marks;
    for (const std::string& record : data(*stream_)) marks += record[0];
    return marks;
  }

  /// A consumer that has passed this many of the records that were added.
  void set_consumer(const std::string& name, std::size_t passed) {
    set_consumer(name, passed == 0 ? std::nullopt : std::optional(numbers_.at(passed - 1)));
  }
  void set_consumer(const std::string& name, const std::optional<SequenceNumber>& passed) {
    const auto before = stream_->leases().find(name);
    Consumer after{name, before ? before->uuid : make_uuid(), 1, clock_.now(), {}};
    Lease lease{shard(0)};
    if (passed) lease.checkpoint = AfterSequence{*passed};
    after.leases.push_back(lease);
    ASSERT_TRUE(stream_->leases().replace(before, after));
  }

  std::unique_ptr<Stream> stream_;
  std::vector<SequenceNumber> numbers_;  ///< of the records that were added
};

TEST_P(BoundContract, AnEngineThatCannotKeepABoundRefusesIt) {
  if (can().bounds) GTEST_SKIP() << "it can";
  CreateOptions options;
  options.settings.max_bytes = test::mebibyte;
  EXPECT_EQ(refusal([&] { create(options); }), ErrorCode::usage);
}

TEST_P(BoundContract, ItIsFullAtTheLastByteAndNotBefore) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::reject);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fits('a'));
  const RoutedBatch last = test::batch_of(0, {std::string(240, 'b')});  // 10,240 in all
  EXPECT_TRUE(std::holds_alternative<Stored>(stream_->append({{&last, 1}}).at(0)));
  const RoutedBatch more = test::batch_of(0, {"c"});
  const Outcome outcome = stream_->append({{&more, 1}}).at(0);
  const auto* const none = std::get_if<NoRoom>(&outcome);
  ASSERT_NE(none, nullptr);
  EXPECT_EQ(none->when_full, WhenFull::reject);
  EXPECT_EQ(none->held, bound);
  EXPECT_EQ(none->most, bound);
  const RoutedBatch empty = test::batch_of(0, {""});
  EXPECT_TRUE(std::holds_alternative<Stored>(stream_->append({{&empty, 1}}).at(0))) << "it takes no room";
}

TEST_P(BoundContract, AnAppendIsStoredWholeOrNotAtAll) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::block);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(fits('a'));
  const std::vector<RoutedBatch> batches = [] {
    std::vector<RoutedBatch> result;
    for (const char mark : {'b', 'c'}) result.push_back(test::batch_of(0, {std::string(1000, mark)}));
    return result;
  }();
  for (const Outcome& each : stream_->append({batches})) EXPECT_TRUE(std::holds_alternative<NoRoom>(each));
  EXPECT_EQ(held(), "aaaaaaaaa");
}

TEST_P(BoundContract, MoreThanItMayEverHoldIsRefused) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::trim);
  EXPECT_TRUE(fits('a'));
  const RoutedBatch large = test::batch_of(0, {std::string(bound, 'b'), "c"});
  const Outcome outcome = stream_->append({{&large, 1}}).at(0);
  ASSERT_TRUE(std::holds_alternative<Refused>(outcome));
  EXPECT_EQ(std::get<Refused>(outcome).code, ErrorCode::malformed);
  EXPECT_EQ(held(), "a") << "nothing went for it";
}

TEST_P(BoundContract, TrimmingTakesTheOldestAndReadersGetAGap) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::trim);
  set_consumer("slow", 0);
  for (char mark = 'a'; mark <= 'l'; ++mark) EXPECT_TRUE(fits(mark));
  EXPECT_EQ(held(), "cdefghijkl");
  const std::string gap = told(*stream_, starting({{shard(0), Beginning{}}})).front();
  EXPECT_TRUE(gap.starts_with("gap 0:") && gap.ends_with("-" + numbers_.at(1).to_string())) << gap;
}

TEST_P(BoundContract, RoomIsMadeByWhatEveryConsumerHasPassed) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::block);
  for (char mark = 'a'; mark <= 'j'; ++mark) EXPECT_TRUE(fits(mark));
  EXPECT_FALSE(fits('k')) << "there is no consumer";
  set_consumer("fast", 10);
  set_consumer("slow", 0);
  EXPECT_FALSE(fits('k'));
  set_consumer("slow", 2);
  EXPECT_TRUE(fits('k'));
  EXPECT_EQ(held(), "bcdefghijk") << "no more goes than is needed";
  EXPECT_TRUE(fits('l'));
  EXPECT_FALSE(fits('m'));
  ASSERT_TRUE(stream_->leases().replace(stream_->leases().find("slow"), std::nullopt));
  EXPECT_TRUE(fits('m'));
}

TEST_P(BoundContract, RoomIsMadeByRetention) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::block);
  for (char mark = 'a'; mark <= 'j'; ++mark) EXPECT_TRUE(fits(mark));
  let_expire(*stream_);
  EXPECT_TRUE(fits('k'));
  EXPECT_EQ(held(), "k");
}

TEST_P(BoundContract, AProducerWaitsForRoomAndLosesNothing) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::block);
  consuming::make_consumer(*stream_, "reader", TrimHorizon{}, clock_);
  std::atomic<bool> all_put = false;
  std::string last;
  std::jthread putting([&] {
    const auto own = open();
    producing::Producer producer(*own, clock_);
    const std::string text(1000, 'x');
    const std::vector<Record> records(30, Record{text, std::nullopt});
    for (const auto& each : producer.put(records)) {
      const auto* const is_stored = std::get_if<producing::RecordStored>(&each);
      EXPECT_NE(is_stored, nullptr);
      if (is_stored != nullptr) last = is_stored->sequence.to_string();
    }
    all_put = true;
  });
  std::optional<SequenceNumber> passed;
  while (!all_put) {
    const auto records = test::read(*stream_);
    EXPECT_LE(records.size(), 10U);
    if (!records.empty()) passed = SequenceNumber::parse(records.back().sequence);
    set_consumer("reader", passed);
    std::this_thread::yield();
  }
  putting.join();
  EXPECT_EQ(test::read(*stream_).back().sequence, last);
  const Intake all = stream_->maintenance().statistics(Detail::load).shards.at(0).intake.value_or(Intake{30});
  EXPECT_EQ(all.records, 30U);
}

TEST_P(BoundContract, APutThatIsRejectedSaysWhichRecordsAreStored) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::reject);
  producing::Producer producer(*stream_, clock_);
  const std::string text(1000, 'x');
  const std::vector<Record> records(15, Record{text, std::nullopt});
  std::size_t stored = 0;
  for (const auto& each : producer.put(records)) {
    if (const auto* const no = std::get_if<producing::RecordNotStored>(&each)) {
      EXPECT_EQ(no->code, ErrorCode::full);
      EXPECT_EQ(stored, 10U) << "the first ones are";
    } else {
      ++stored;
    }
  }
  EXPECT_EQ(stored, 10U);
}

TEST_P(BoundContract, WhatEveryConsumerHasPassedGoesIfThatIsTheRetention) {
  if (!can().bounds) GTEST_SKIP();
  CreateOptions options;
  options.settings.until_consumed = true;
  create(options);
  stream_ = open();
  for (const char mark : {'a', 'b', 'c'}) EXPECT_TRUE(fits(mark));
  stream_->maintenance().update({});
  EXPECT_EQ(held(), "abc") << "there is no consumer";
  set_consumer("one", 3);
  set_consumer("two", 1);
  stream_->maintenance().update({});
  EXPECT_EQ(held(), "bc");
}

TEST_P(BoundContract, SettingsAreKeptAndChanged) {
  if (!can().bounds) GTEST_SKIP();
  create_bounded(WhenFull::reject);
  stream_->maintenance().update({.until_consumed = true, .max_bytes = 2 * bound, .when_full = WhenFull::trim});
  const StreamSettings settings = open(Access::read)->describe().settings;
  EXPECT_EQ(settings.max_bytes, 2 * bound);
  EXPECT_EQ(settings.when_full, WhenFull::trim);
  EXPECT_TRUE(settings.until_consumed);
  EXPECT_EQ(refusal([&] { stream_->maintenance().update({.max_bytes = test::kibibyte - 1}); }), ErrorCode::usage);
}

class LimitedBoundContract : public BoundContract {
 protected:
  void SetUp() override {
    if (!can().bounds || !can().limits) GTEST_SKIP();
    clock_.freeze();
    create_bounded(WhenFull::block);
  }

  /// Its shard takes so many records a second, and has that many left.
  void limit_to(std::uint64_t records) {
    SettingsChange change;
    change.limits.write_records = std::optional(records);
    stream_->maintenance().update(change);
  }

  static RoutedBatch large(char mark) { return test::batch_of(0, {std::string(1000, mark)}); }

  const std::vector<capacity::Step> hundred_ = std::vector<capacity::Step>(100, {{shard(0), 1, 1000}});
};

TEST_P(LimitedBoundContract, WhatFindsNoRoomIsNotCharged) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fits('a'));
  limit_to(20);
  EXPECT_TRUE(std::holds_alternative<NoRoom>(add('b')));
  EXPECT_EQ(stream_->write_capacity().reserve(hundred_, {}).steps, 20U);
}

TEST_P(LimitedBoundContract, WhatIsReservedWaitsForRoomAndReservesTheNextWhenItIsStored) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fits('a'));
  limit_to(20);
  EXPECT_EQ(stream_->write_capacity().reserve(std::span(hundred_).first(15), {}).steps, 15U);
  const RoutedBatch batch = large('b');
  const auto append = [&] { return stream_->write_capacity().append({{&batch, 1}}, hundred_, {}); };
  const auto refused = append();
  EXPECT_TRUE(std::holds_alternative<NoRoom>(refused.outcomes.at(0)));
  EXPECT_EQ(refused.next.steps, 0U);
  set_consumer("one", 1);
  const auto stored = append();
  EXPECT_TRUE(std::holds_alternative<Stored>(stored.outcomes.at(0)));
  EXPECT_EQ(stored.next.steps, 5U) << "nothing more was reserved before";
}

TEST_P(LimitedBoundContract, OnlyTheLastCommitOfAWriterReservesTheNext) {
  limit_to(20);
  producing::Packed packed;
  for (const char mark : {'a', 'b', 'c'}) packed.batches.push_back(large(mark));
  producing::Writer writer(*stream_, stream_->describe(), Sync::full);
  const producing::Written written = writer.store_reserved(std::move(packed), {}, hundred_, {});
  written.check();
  EXPECT_EQ(held(), "abc");
  EXPECT_EQ(written.next.steps, 20U);
}

INSTANTIATE_TEST_SUITE_P(Of, LimitedBoundContract, testing::ValuesIn(subjects()), name_of);

INSTANTIATE_TEST_SUITE_P(Of, BoundContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract
