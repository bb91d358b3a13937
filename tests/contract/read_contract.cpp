#include <algorithm>
#include <thread>

#include "contract/contract.h"

namespace shardlog::contract {
namespace {

/// Shard 0 has "a" to "f" in three batches, a minute apart, and shard 1 has "x" and "y".
class ReadContract : public TwoShards {
 protected:
  ReadContract() {
    for (const Lines& batch : {Lines{"a", "b"}, Lines{"c", "d"}, Lines{"e", "f"}}) {
      times_.push_back(between());
      for (const SequenceNumber& number : put(*stream_, 0, batch)) numbers_.push_back(number);
    }
    times_.push_back(between());
    put(*stream_, 1, {"x", "y"});
  }

  Lines zero(Position position) { return told(*stream_, from(std::move(position), {shard(0)})); }
  Lines until(Position position) { return told(*stream_, {.shards = {shard(0)}, .until = std::move(position)}); }
  static ReadRequest following(Position position, std::vector<ShardId> shards = {}) {
    return {.shards = std::move(shards), .from = std::move(position), .follow = true};
  }
  std::string gap(std::size_t first, std::size_t last) {
    return "gap 0:" + numbers_[first].to_string() + "-" + numbers_[last].to_string();
  }
  std::vector<Timestamp> times_;  ///< shortly before each batch
  std::vector<SequenceNumber> numbers_;
};

TEST_P(ReadContract, BeginsAtTheTrimHorizon) {
  EXPECT_EQ(zero(TrimHorizon{}), (Lines{"a", "b", "c", "d", "e", "f", "end"}));
}

TEST_P(ReadContract, BeginsAtATime) {
  EXPECT_EQ(zero(AtTime{times_[1]}), (Lines{"c", "d", "e", "f", "end"}));
  EXPECT_EQ(zero(AtTime{times_[3]}), Lines{"end"});
  EXPECT_EQ(told(*stream_, from(AtTime{times_[3]})), (Lines{"x", "y", "end"}));
}

TEST_P(ReadContract, BeginsAtASequenceNumber) {
  EXPECT_EQ(zero(AtSequence{numbers_[3]}), (Lines{"d", "e", "f", "end"}));
  EXPECT_EQ(zero(AfterSequence{numbers_[3]}), (Lines{"e", "f", "end"}));
  EXPECT_EQ(zero(AfterSequence{numbers_[5]}), Lines{"end"});
  EXPECT_EQ(zero(AtSequence{SequenceNumber(0)}).size(), 7U) << "before all that a shard may have";
}

TEST_P(ReadContract, BeginsBeforeTheNewestRecords) {
  EXPECT_EQ(zero(LastRecords{3}), (Lines{"d", "e", "f", "end"}));
  EXPECT_EQ(zero(LastRecords{0}), Lines{"end"});
  EXPECT_EQ(zero(LastRecords{100}).size(), 7U);
}

TEST_P(ReadContract, FromLatestDeliversWhatComesAfterItWasSetUp) {
  const auto reader = stream_->read(following(Latest{}, {shard(0)}));
  put(*stream_, 0, {"g"});
  EXPECT_EQ(told(*reader), Lines{"g"});
}

TEST_P(ReadContract, EndsAtTheTailOfItsStart) {
  const auto reader = stream_->read(from(TrimHorizon{}, {shard(1)}));
  put(*stream_, 1, {"z"});
  EXPECT_EQ(told(*reader), (Lines{"x", "y", "end"}));
  EXPECT_EQ(told(*reader), Lines{"end"}) << "asked again";
}

TEST_P(ReadContract, EndsAtAPosition) {
  EXPECT_EQ(until(Latest{}).size(), 7U);
  EXPECT_EQ(until(TrimHorizon{}), Lines{"end"});
  EXPECT_EQ(until(AtTime{times_[1]}), (Lines{"a", "b", "end"}));
  EXPECT_EQ(until(AtSequence{numbers_[2]}), (Lines{"a", "b", "end"}));
  EXPECT_EQ(until(AfterSequence{numbers_[2]}), (Lines{"a", "b", "c", "end"}));
  EXPECT_EQ(until(LastRecords{2}), (Lines{"a", "b", "c", "d", "end"}));
}

TEST_P(ReadContract, ThatFollowsEndsAtLatestOfItsStart) {
  ReadRequest request = following(TrimHorizon{}, {shard(1)});
  request.until = Latest{};
  const auto reader = stream_->read(request);
  put(*stream_, 1, {"z"});
  EXPECT_EQ(told(*reader), (Lines{"x", "y", "end"}));
}

TEST_P(ReadContract, ThatFollowsEndsAtATimeThoughNothingMoreComes) {
  ReadRequest request = following(TrimHorizon{}, {shard(1)});
  const Timestamp time = soon();
  request.until = AtTime{time};
  const auto reader = stream_->read(request);
  EXPECT_EQ(told(*reader), (Lines{"x", "y"}));
  let_come(time);
  Lines last = told(*reader);
  // The time of a server is known by its answers, so it comes a little later if they take long.
  for (int tries = 0; last.empty() && tries < 100 && !can().clock_of_caller; ++tries) {
    static_cast<void>(reader->wait(200ms, {}));
    last = told(*reader);
  }
  EXPECT_EQ(last, Lines{"end"});
}

TEST_P(ReadContract, ThatFollowsGoesOnAfterTheTail) {
  const auto reader = stream_->read(following(AtSequence{numbers_[5]}, {shard(0)}));
  EXPECT_EQ(told(*reader), Lines{"f"});
  EXPECT_EQ(told(*reader), Lines{}) << "the tail, asked twice";
  put(*open(), 0, {"g"});
  put(*open(), 1, {"not asked for"});
  EXPECT_EQ(told(*reader), Lines{"g"});
}

TEST_P(ReadContract, NoticesACommitOfAnother) {
  const auto reader = stream_->read(following(Latest{}));
  EXPECT_EQ(told(*reader), Lines{});
  put(*open(), 0, {"g"});
  EXPECT_TRUE(reader->wait(20s, {}));
  EXPECT_EQ(told(*reader), Lines{"g"});
  const bool may_have_missed_something = reader->wait(1ms, {});
  EXPECT_FALSE(may_have_missed_something && reader->wait(1ms, {})) << "nothing came since";
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(reader->wait(20s, stop.get_token()));
}

TEST_P(ReadContract, KeepsToItsBudgetButDeliversABatchAtLeast) {
  const auto reader = stream_->read(from(TrimHorizon{}, {shard(0)}));
  EXPECT_EQ(reader->next(1).batches.size(), 1U);
  EXPECT_EQ(reader->next(1).batches.size(), 1U);
  EXPECT_EQ(told(*reader, 1), (Lines{"e", "f", "end"}));
}

TEST_P(ReadContract, SaysWhichRecordsOfABatchWereAskedFor) {
  const ReadResult result = stream_->read(from(AtSequence{numbers_[3]}, {shard(0)}))->next(1);
  ASSERT_EQ(result.batches.size(), 1U);
  const StoredBatch& batch = result.batches[0];
  EXPECT_EQ(batch.records.size(), 2U);
  EXPECT_EQ(batch.first, 1U);
  EXPECT_EQ(batch.count, 1U);
  EXPECT_EQ(batch.sequences.size(), 2U);
  EXPECT_EQ(batch.sequences[1], numbers_[3]);
}

TEST_P(ReadContract, OfSeveralShardsIsInCommitOrderWhereTheCapabilitiesSaySo) {
  put(*stream_, 0, {"g"});
  Lines lines = told(*stream_, from(TrimHorizon{}));
  const Lines in_order{"a", "b", "c", "d", "e", "f", "x", "y", "g", "end"};
  EXPECT_EQ(lines == in_order, can().ordered_over_shards);
  EXPECT_TRUE(std::is_permutation(lines.begin(), lines.end(), in_order.begin(), in_order.end()));
  EXPECT_EQ(lines.back(), "end");
}

TEST_P(ReadContract, TellsOnceThatAShardHasEnded) {
  test::split(*stream_, 0);
  const auto reader = stream_->read(following(AtSequence{numbers_[4]}, {shard(0)}));
  EXPECT_EQ(told(*reader), (Lines{"e", "f", "end of 0", "end"}));
  EXPECT_EQ(told(*reader), Lines{"end"}) << "asked again";
  EXPECT_EQ(told(*stream_, following(AfterSequence{numbers_[5]}, {shard(0)})), (Lines{"end of 0", "end"}));
}

TEST_P(ReadContract, TellsThatAShardHasEndedAfterItsLastRecord) {
  test::split(*stream_, 0);
  const auto reader = stream_->read(from(AtSequence{numbers_[2]}, {shard(0)}));
  EXPECT_TRUE(reader->next(1).ended.empty());
  EXPECT_EQ(reader->next(1).ended, std::vector{shard(0)});
}

TEST_P(ReadContract, TellsThatAShardHasEndedThatClosesLater) {
  const auto reader = stream_->read(following(Latest{}, {shard(0), shard(1)}));
  EXPECT_EQ(told(*reader), Lines{});
  put(*stream_, 0, {"g"});
  test::split(*stream_, 0);
  EXPECT_EQ(told(*reader), (Lines{"g", "end of 0"}));
  test::split(*stream_, 1);
  EXPECT_EQ(told(*reader), (Lines{"end of 1", "end"}));
}

TEST_P(ReadContract, OfAllShardsFollowsThoseThatOpenLater) {
  const auto reader = stream_->read(following(Latest{}));
  test::split(*stream_, 0);
  put(*stream_, 2, {"g"});
  EXPECT_EQ(told(*reader), (Lines{"g", "end of 0"}));
}

TEST_P(ReadContract, GoesOnInDescendants) {
  const auto following_one = stream_->read([this] {
    ReadRequest request = following(AtSequence{numbers_[5]}, {shard(0)});
    request.descendants = true;
    return request;
  }());
  EXPECT_EQ(told(*following_one), Lines{"f"});
  test::split(*stream_, 0);
  put(*stream_, 2, {"g"});
  put(*stream_, 1, {"not asked for"});
  EXPECT_EQ(told(*following_one), (Lines{"g", "end of 0"})) << "the children are open";
  ReadRequest request = from(AfterSequence{numbers_[5]}, {shard(0)});
  request.descendants = true;
  EXPECT_EQ(told(*stream_, request), (Lines{"g", "end of 0", "end"}));
}

TEST_P(ReadContract, BeginsEachShardAtAPlaceOfItsOwn) {
  put(*stream_, 1, {"z"});
  const auto begins = [&](ShardStart start) { return told(*stream_, starting({std::move(start)})); };
  EXPECT_EQ(begins({shard(0), AfterSequence{numbers_[3]}}), (Lines{"e", "f", "end"}));
  EXPECT_EQ(begins({shard(0), AtTime{times_[2]}}), (Lines{"e", "f", "end"}));
  EXPECT_EQ(begins({shard(1), Beginning{}}), (Lines{"x", "y", "z", "end"}));
  EXPECT_EQ(begins({shard(1), TrimHorizon{}}), (Lines{"x", "y", "z", "end"}));
  EXPECT_EQ(begins({shard(1), Latest{}}), Lines{"end"});
  Lines both = told(*stream_, starting({{shard(0), AtSequence{numbers_[5]}}, {shard(1), TrimHorizon{}}}));
  std::sort(both.begin(), both.end());
  EXPECT_EQ(both, (Lines{"end", "f", "x", "y", "z"}));
}

TEST_P(ReadContract, SkipsWhatArrivedBeforeATimeThatItWaitsFor) {
  const auto reader = stream_->read([this] {
    ReadRequest request = starting({{shard(0), AtSequence{numbers_[0], times_[1]}}});
    request.follow = true;
    return request;
  }());
  EXPECT_EQ(told(*reader), (Lines{"c", "d", "e", "f"}));
  EXPECT_EQ(told(*stream_, starting({{shard(0), Beginning{times_[2]}}})), (Lines{"e", "f", "end"}));
}

TEST_P(ReadContract, TellsOfAGapBeforeTheTrimHorizonAndGoesOnAfterIt) {
  let_expire(*stream_);
  put(*stream_, 0, {"g"});
  EXPECT_EQ(zero(AtSequence{numbers_[2]}), (Lines{gap(2, 5), "g", "end"}));
  EXPECT_EQ(zero(AfterSequence{numbers_[5]}), (Lines{"g", "end"})) << "nothing was missed";
  EXPECT_EQ(zero(TrimHorizon{}), (Lines{"g", "end"}));
  EXPECT_EQ(zero(LastRecords{5}), (Lines{"g", "end"}));
  EXPECT_EQ(zero(AtTime{times_[0]}), (Lines{"g", "end"}));
  const Lines whole = told(*stream_, starting({{shard(0), Beginning{}}}));
  ASSERT_EQ(whole.size(), 3U);
  EXPECT_TRUE(whole[0].starts_with("gap 0:") && whole[0].ends_with("-" + numbers_[5].to_string())) << whole[0];
}

TEST_P(ReadContract, TellsOfAGapWhereItStands) {
  const auto reader = stream_->read(following(TrimHorizon{}, {shard(0)}));
  EXPECT_EQ(reader->next(1).batches.size(), 1U);
  let_expire(*stream_);
  put(*stream_, 0, {"g"});
  // An engine may tell of the gap before it has the batch, and in parts.
  std::vector<Gap> gaps;
  std::size_t batches = 0;
  for (ReadResult result = reader->next(test::any_budget); !result.batches.empty() || !result.gaps.empty();
       result = reader->next(test::any_budget)) {
    EXPECT_TRUE(result.gaps.empty() || batches == 0);
    gaps.insert(gaps.end(), result.gaps.begin(), result.gaps.end());
    batches += result.batches.size();
  }
  ASSERT_FALSE(gaps.empty());
  EXPECT_LE(gaps.front().first, numbers_[2]);
  EXPECT_GT(gaps.front().first, numbers_[1]);
  EXPECT_EQ(gaps.back().last, numbers_[5]);
  for (const Gap& gap : gaps) EXPECT_EQ(gap.reason, Gap::Reason::trimmed);
  for (std::size_t i = 2; i <= 5; ++i) {
    const auto has_it = [&](const Gap& gap) { return gap.first <= numbers_[i] && numbers_[i] <= gap.last; };
    EXPECT_EQ(std::ranges::count_if(gaps, has_it), 1) << i;
  }
  EXPECT_EQ(batches, 1U);
}

TEST_P(ReadContract, FromTheTrimHorizonBeginsWhereThatIsAtTheFirstRead) {
  const auto reader = stream_->read(following(TrimHorizon{}, {shard(0)}));
  let_expire(*stream_);
  put(*stream_, 0, {"g"});
  EXPECT_EQ(told(*reader), Lines{"g"});
}

TEST_P(ReadContract, IsRefusedBeforeTheTrimHorizonWhereItIsStrict) {
  let_expire(*stream_);
  put(*stream_, 0, {"g"});
  const auto strict = [&](Position position) {
    ReadRequest request = from(std::move(position), {shard(0)});
    request.strict = true;
    return refusal([&] { told(*stream_, request); });
  };
  EXPECT_EQ(strict(AtSequence{numbers_[5]}), ErrorCode::trimmed);
  EXPECT_EQ(strict(AtTime{times_[0]}), ErrorCode::trimmed);
  EXPECT_EQ(strict(AfterSequence{numbers_[5]}), std::nullopt);
  EXPECT_EQ(strict(TrimHorizon{}), std::nullopt);
}

TEST_P(ReadContract, HidesAtOnceWhatIsPastRetention) {
  stream_->maintenance().update({.retention = 30min});
  let_pass(29min);
  EXPECT_EQ(data(*open(Access::read), {shard(1)}), (Lines{"x", "y"}));
  let_pass(2min);
  if (!can().clock_of_caller) stream_->maintenance().update({.retention = 1ms});
  EXPECT_EQ(data(*open(Access::read)), Lines{});
}

TEST_P(ReadContract, ThatMakesNoSenseIsRefused) {
  EXPECT_EQ(refusal([&] { told(*stream_, from(AtSequence{numbers_[0]})); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { told(*stream_, from(AfterSequence{numbers_[0]}, {shard(0), shard(1)})); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { told(*stream_, {.until = AtSequence{numbers_[0]}}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { told(*stream_, from(TrimHorizon{}, {shard(7)})); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { told(*stream_, starting({{shard(7), TrimHorizon{}}})); }), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] {
              told(*stream_, starting({{shard(0), TrimHorizon{}}, {shard(0), Latest{}}}));
            }),
            ErrorCode::usage);
}

TEST_P(ReadContract, LocatesAPositionInEachShard) {
  const auto place = [&](Position position) { return stream_->locate(position, {shard(0)}).at(0); };
  EXPECT_EQ(place(AtTime{times_[1]}).next, numbers_[2]);
  EXPECT_EQ(place(LastRecords{1}).next, numbers_[5]);
  EXPECT_EQ(place(AtSequence{numbers_[4]}).next, numbers_[4]);
  EXPECT_EQ(place(AtTime{times_[1]}).not_before, std::nullopt);
  EXPECT_FALSE(place(AtTime{times_[1]}).at_end);
  const auto all = stream_->locate(TrimHorizon{}, {});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].shard, shard(0));
  EXPECT_EQ(all[1].shard, shard(1));
}

TEST_P(ReadContract, LocatesWhatHasNotComeAsFarAsItsCapabilitiesGo) {
  const auto latest = stream_->locate(Latest{}, {shard(0)}).at(0);
  const Timestamp time = clock_.now() + 1h;
  const auto later = stream_->locate(AtTime{time}, {shard(0)}).at(0);
  EXPECT_EQ(latest.next.has_value(), can().latest_has_number);
  EXPECT_EQ(later.next.has_value(), can().latest_has_number);
  EXPECT_EQ(later.not_before, time);
  EXPECT_EQ(latest.not_before, std::nullopt);
  const SequenceNumber next = put(*stream_, 0, {"g"}).front();
  EXPECT_LE(latest.next.value_or(next), next);
  EXPECT_GT(latest.next.value_or(next), numbers_[5]);
}

TEST_P(ReadContract, LocatesTheEndOfAClosedShard) {
  test::split(*stream_, 0);
  EXPECT_TRUE(stream_->locate(Latest{}, {shard(0)}).at(0).at_end);
  EXPECT_TRUE(stream_->locate(AfterSequence{numbers_[5]}, {shard(0)}).at(0).at_end);
  EXPECT_FALSE(stream_->locate(AtSequence{numbers_[5]}, {shard(0)}).at(0).at_end);
  const Timestamp time = clock_.now() + 1h;
  const auto at_time = stream_->locate(AtTime{time}, {shard(0)}).at(0);
  EXPECT_TRUE(at_time.at_end);
  EXPECT_EQ(at_time.not_before, time);
  EXPECT_FALSE(stream_->locate(Latest{}, {shard(1)}).at(0).at_end) << "open";
}

TEST_P(ReadContract, LocatesNothingBeforeTheTrimHorizon) {
  let_expire(*stream_);
  put(*stream_, 0, {"g"});
  EXPECT_EQ(refusal([&] { stream_->locate(AtSequence{numbers_[2]}, {shard(0)}); }), ErrorCode::trimmed);
  EXPECT_EQ(refusal([&] { stream_->locate(AtSequence{numbers_[2]}, {}); }), ErrorCode::usage);
  EXPECT_EQ(refusal([&] { stream_->locate(Latest{}, {shard(9)}); }), ErrorCode::not_found);
}

INSTANTIATE_TEST_SUITE_P(Of, ReadContract, testing::ValuesIn(subjects()), name_of);

}  // namespace
}  // namespace shardlog::contract
