#include <algorithm>
#include <thread>

#include "contract/contract.h"

namespace shardlog::contract {
namespace {

class AppendContract : public Contract {
 protected:
  static bool ascend(const std::vector<test::Delivered>& records) {
    return std::is_sorted(records.begin(), records.end(), [](const auto& a, const auto& b) {
      return *SequenceNumber::parse(a.sequence) < *SequenceNumber::parse(b.sequence);
    });
  }
};

TEST_P(AppendContract, TellsOfEachBatchWhatIsReadAfterwards) {
  create(2);
  const auto stream = open();
  std::vector<RoutedBatch> batches;
  batches.push_back(test::batch_of(1, {"a", "b"}));
  batches.push_back(test::batch_of(0, {"c"}));
  batches.push_back(test::batch_of(1, {"d"}));
  const auto outcomes = stream->append({batches});
  ASSERT_EQ(outcomes.size(), 3U);
  const auto& first = std::get<Stored>(outcomes[0]);
  const auto& second = std::get<Stored>(outcomes[1]);
  const auto& third = std::get<Stored>(outcomes[2]);
  const auto is = [](std::uint32_t number, const Stored& stored, std::size_t i, const char* data) {
    return test::Delivered{number, stored.sequences[i].to_string(), stored.arrivals[i], data};
  };
  const auto expect = [&](std::uint32_t number, std::vector<test::Delivered> expected) {
    const auto read = test::read(*stream, from(TrimHorizon{}, {shard(number)}));
    ASSERT_EQ(read.size(), expected.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
      EXPECT_TRUE(is_arrival(expected[i].arrived_at, read[i].arrived_at));
      expected[i].arrived_at = read[i].arrived_at;
    }
    EXPECT_EQ(read, expected);
  };
  expect(1, {is(1, first, 0, "a"), is(1, first, 1, "b"), is(1, third, 0, "d")});
  expect(0, {is(0, second, 0, "c")});
  const Timestamp newest = std::max({first.arrivals[1], second.arrivals[0], third.arrivals[0]});
  EXPECT_TRUE(is_arrival(newest, stream->describe().last_arrival.value()));
}

TEST_P(AppendContract, NumbersRiseInAShardFromWriterToWriter) {
  create();
  for (const char* const data : {"a", "b", "c"}) put(*open(), 0, {data, data});
  const auto records = test::read(*open());
  ASSERT_EQ(records.size(), 6U);
  for (std::size_t i = 1; i < records.size(); ++i) {
    const auto before = *SequenceNumber::parse(records[i - 1].sequence);
    EXPECT_LT(before, *SequenceNumber::parse(records[i].sequence));
    if (can().dense_numbers) {
      EXPECT_EQ(std::stoull(records[i].sequence), std::stoull(records[i - 1].sequence) + 1);
    }
  }
}

TEST_P(AppendContract, KeepsDataKeysAndHashKeys) {
  create();
  const auto stream = open();
  const std::string binary("\0\n\xff", 3);
  const std::vector<Record> given{{"", std::nullopt}, {binary, "key"}, {"x", std::nullopt, max_hash_key}};
  const RoutedBatch batch{shard(0), encode(given)};
  stream->append({{&batch, 1}});
  const ReadResult result = stream->read(from(TrimHorizon{}))->next(test::any_budget);
  ASSERT_EQ(result.batches.size(), 1U);
  std::size_t i = 0;
  for (const Record& record : result.batches[0].records) {
    EXPECT_EQ(record.data, given.at(i).data);
    EXPECT_EQ(record.key, given[i].key);
    EXPECT_EQ(record.explicit_hash_key, given[i].explicit_hash_key);
    ++i;
  }
  EXPECT_EQ(i, given.size());
}

TEST_P(AppendContract, OfNothingStoresNothing) {
  create();
  const auto stream = open();
  const std::uint64_t turn = stream->describe().turn;
  EXPECT_TRUE(stream->append({}).empty());
  EXPECT_EQ(stream->describe().turn, turn);
  EXPECT_EQ(told(*stream, from(TrimHorizon{})), Lines{"end"});
}

TEST_P(AppendContract, ChangesTheTurn) {
  create();
  const auto stream = open();
  std::vector<std::uint64_t> turns{stream->describe().turn};
  for (int i = 0; i < 3; ++i) {
    put(*stream, 0, {"a"});
    EXPECT_EQ(std::count(turns.begin(), turns.end(), stream->describe().turn), 0);
    turns.push_back(stream->describe().turn);
  }
}

TEST_P(AppendContract, ToAClosedShardIsSealedAndNotStored) {
  create(2);
  const auto stream = open();
  put(*stream, 0, {"a"});
  const ShardMap::Version before = stream->describe().map.version();
  test::split(*open(), 0);
  std::vector<RoutedBatch> batches;
  batches.push_back(test::batch_of(1, {"b"}));
  batches.push_back(test::batch_of(0, {"c"}));
  const auto outcomes = stream->append({.batches = batches, .version = before});
  EXPECT_TRUE(std::holds_alternative<Sealed>(outcomes.at(1)));
  EXPECT_EQ(std::holds_alternative<Sealed>(outcomes.at(0)), can().atomic_append);
  EXPECT_EQ(data(*stream, {shard(0)}), Lines{"a"});
  EXPECT_EQ(data(*stream, {shard(1)}), can().atomic_append ? Lines{} : Lines{"b"});
}

TEST_P(AppendContract, NumbersOfAChildAreAboveThoseOfItsParents) {
  create(2);
  const auto stream = open();
  const SequenceNumber first = put(*stream, 0, {"a", "b"}).back();
  const SequenceNumber second = put(*stream, 1, {"c", "d", "e"}).back();
  test::merge(*stream, 0, 1);
  const SequenceNumber child = put(*stream, 2, {"f"}).front();
  EXPECT_GT(child, first);
  EXPECT_GT(child, second);
}

TEST_P(AppendContract, ArrivesAtTheTimeOfTheClock) {
  create();
  const auto stream = open();
  let_pass(10s);
  const Timestamp before = clock_.now();
  put(*stream, 0, {"a", "b"});
  const Duration apart = can().ordered_arrivals ? 0us : 1s;
  for (const auto& record : test::read(*stream)) {
    EXPECT_GE(record.arrived_at, before - apart);
    EXPECT_LE(record.arrived_at, clock_.now() + apart);
  }
}

TEST_P(AppendContract, ArrivalsDecreaseOnlyWhereTheCapabilitiesSaySo) {
  create();
  const auto stream = open();
  for (int i = 0; i < 4; ++i) {
    put(*stream, 0, {"a", "b"});
    let_pass(-1s);
  }
  const auto records = test::read(*stream);
  const bool sorted = std::is_sorted(records.begin(), records.end(),
                                     [](const auto& a, const auto& b) { return a.arrived_at < b.arrived_at; });
  EXPECT_EQ(records.size(), 8U);
  if (can().ordered_arrivals || can().clock_of_caller) {
    EXPECT_EQ(sorted, can().ordered_arrivals);
  }
}

TEST_P(AppendContract, KeepsTheArrivalsOfACopyWhereItCan) {
  create();
  const auto stream = open();
  const Timestamp now = clock_.now();
  const auto arrival_of = [&](Timestamp asked) {
    RoutedBatch batch = test::batch_of(0, {"a"});
    batch.arrived_at = asked;
    const auto outcomes = stream->append({{&batch, 1}});
    return std::get<Stored>(outcomes.at(0)).arrivals[0];
  };
  if (can().keeps_arrivals) {
    EXPECT_EQ(arrival_of(now - 1h), now - 1h);
    EXPECT_EQ(arrival_of(now - 2h), now - 1h) << "not before the newest of the stream";
    EXPECT_EQ(arrival_of(now + 1h), now) << "not in the future";
  } else {
    EXPECT_GT(arrival_of(now - 1h), now - 1min);
  }
}

TEST_P(AppendContract, OfACopyArrivesNotBeforeItsShardWasOpened) {
  create();
  const auto stream = open();
  let_pass(1h);
  test::split(*stream, 0);
  RoutedBatch batch = test::batch_of(1, {"a"});
  batch.arrived_at = clock_.now() - 30min;
  const auto outcomes = stream->append({{&batch, 1}});
  const Timestamp opened_at = stream->describe().map.at(shard(1)).opened_at;
  EXPECT_TRUE(is_now(opened_at));
  EXPECT_GE(std::get<Stored>(outcomes.at(0)).arrivals[0], opened_at - 1s);
}

TEST_P(AppendContract, OfManyWritersKeepsTheOrderOfEach) {
  create(2);
  constexpr int batches = 10;
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < 3; ++writer) {
      writers.emplace_back([this, writer] {
        const auto stream = open();
        for (int i = 0; i < batches; ++i) {
          put(*stream, static_cast<std::uint32_t>(i % 2), {std::to_string(writer) + ":" + std::to_string(i / 2)});
        }
      });
    }
  }
  for (std::uint32_t number = 0; number < 2; ++number) {
    const auto records = test::read(*open(), from(TrimHorizon{}, {shard(number)}));
    EXPECT_TRUE(ascend(records));
    std::map<std::string, int> next;
    for (const auto& record : records) {
      const std::string writer = record.data.substr(0, record.data.find(':'));
      EXPECT_EQ(record.data, writer + ":" + std::to_string(next[writer]++));
    }
    EXPECT_EQ(next, (std::map<std::string, int>{{"0", batches / 2}, {"1", batches / 2}, {"2", batches / 2}}));
  }
}

TEST_P(AppendContract, IsMadeDurableForWhoeverReportsIt) {
  create();
  const auto stream = open();
  const RoutedBatch batch = test::batch_of(0, {"a"});
  open()->append({.batches = {&batch, 1}, .sync = Sync::normal});
  stream->make_durable();
  EXPECT_EQ(data(*stream), Lines{"a"});
  engine_->remove(address(), {Access::write}, clock_);
  EXPECT_EQ(refusal([&] { stream->make_durable(); }), ErrorCode::not_found);
}

INSTANTIATE_TEST_SUITE_P(Of, AppendContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract
