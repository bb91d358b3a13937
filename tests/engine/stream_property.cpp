#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/stream_model.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using namespace std::chrono_literals;
using test::append_all;
using test::data_of;
using test::Delivered;
using test::drain;
using test::mebibyte;
using test::Piece;
using test::read;

constexpr std::uint32_t shard_count = 5;  // of which two are few

rc::Gen<std::size_t> sizes() {
  return rc::gen::weightedOneOf<std::size_t>({{40, rc::gen::inRange<std::size_t>(0, 100)},
                                              {5, rc::gen::inRange<std::size_t>(10'000, 70'000)},
                                              {1, rc::gen::just<std::size_t>(3 * mebibyte / 2)}});
}

std::vector<Piece> any_pieces() {
  std::vector<Piece> pieces(*rc::gen::inRange<std::size_t>(1, 5));
  for (Piece& piece : pieces) {
    piece.shard = *rc::gen::inRange<std::uint32_t>(0, shard_count);
    piece.data.resize(*rc::gen::inRange<std::size_t>(1, 6));
    for (std::string& data : piece.data) data = std::string(*sizes(), *rc::gen::inRange('a', 'z'));
  }
  return pieces;
}

std::vector<RoutedBatch> encoded(const std::vector<Piece>& pieces) {
  std::vector<RoutedBatch> batches;
  for (const Piece& piece : pieces) batches.push_back(test::batch_of(piece.shard, piece.data));
  return batches;
}

/// A stream, those who write to it at the same time, and the model beside it.
class ReadsBeside {
 public:
  ReadsBeside() {
    shardlog::create(path_, test::of_shards(shard_count), clock_);
    const auto count = *rc::gen::inRange(1, 4);
    for (int i = 0; i < count; ++i) writers_.push_back(open(Access::write));
    reader_ = open(Access::read);
  }

  std::unique_ptr<Stream> open(Access access) { return shardlog::open(path_, {access, 20s}, clock_); }
  Stream& any_writer() { return *writers_[*rc::gen::inRange<std::size_t>(0, writers_.size())]; }
  Stream& reader() { return *reader_; }
  const test::StreamModel& model() { return model_; }

  void append_to_both() {
    // A clock that steps back shows what had expired again where nobody has trimmed it, which the model cannot know.
    clock_.step(retention_ == forever ? *rc::gen::element<Duration>(0s, 1us, 1s, 1h, -1us, -1h)
                                      : *rc::gen::element<Duration>(0s, 1us, 1s, 1h));
    append(any_pieces());
    if (*rc::gen::weightedElement<bool>({{9, false}, {1, true}})) reopen();
  }

  /// Trims under the retention that there was, and then under the new one.
  void change_retention(Duration retention) {
    trim();
    retention_ = retention;
    any_writer().maintenance().update({.retention = retention});
    trim();
  }

  void trim() {
    any_writer().maintenance().update({});
    model_.trim(expired());
  }

  [[nodiscard]] Timestamp expired() const {
    return retention_ == forever ? Timestamp::min() : Timestamp(clock_.now() - retention_);
  }

  void let_pass(Duration time) { clock_.step(time); }

  /// Beyond the 1000 batches at which the index has a row, in the shards by turns: after each batch, or after many.
  void append_many() {
    std::vector<Piece> pieces(*rc::gen::inRange<std::size_t>(300, 1200));
    const std::size_t turn = *rc::gen::element<std::size_t>(1, 7, 500, 2000);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      pieces[i] = {static_cast<std::uint32_t>((pieces.size() + i / turn) % shard_count), {"x"}};
    }
    append(pieces);
  }

  /// Often a moment at which something arrived, or one next to it.
  std::optional<Timestamp> any_time() {
    if (*rc::gen::arbitrary<bool>()) return std::nullopt;
    const auto arrivals = model_.arrivals();
    if (arrivals.empty()) return clock_.now();
    return *rc::gen::elementOf(arrivals) + *rc::gen::element<Duration>(0s, 0s, 1us, -1us, -2h, 2h);
  }

 private:
  void append(const std::vector<Piece>& pieces) {
    const auto runs = append_all(any_writer(), encoded(pieces), Sync::normal).value();
    std::vector<std::string> firsts;
    for (const Stored& run : runs) firsts.push_back(run.sequences[0].to_string());
    RC_ASSERT(firsts == model_.append(pieces, clock_.now()));
  }

  void reopen() {
    auto& writer = writers_[*rc::gen::inRange<std::size_t>(0, writers_.size())];
    writer.reset();
    writer = open(Access::write);
  }

  test::TemporaryDirectory directory_ = test::TemporaryDirectory::without_disk();
  test::ManualClock clock_;
  std::string path_ = directory_.path() + "/orders";
  test::StreamModel model_{shard_count};
  Duration retention_ = forever;
  std::vector<std::unique_ptr<Stream>> writers_;
  std::unique_ptr<Stream> reader_;
};

/// Appends something now and then, and more than that in some runs.
void fill(ReadsBeside& beside) {
  const auto commits = *rc::gen::inRange(0, 20);
  for (int i = 0; i < commits; ++i) beside.append_to_both();
  if (*rc::gen::weightedElement<bool>({{4, false}, {1, true}})) {
    beside.append_many();
    beside.append_many();
    beside.append_to_both();
  }
}

std::set<std::uint32_t> any_shards() {
  std::set<std::uint32_t> subset;
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    if (*rc::gen::arbitrary<bool>()) subset.insert(shard);
  }
  return subset;
}

std::vector<ShardId> ids_of(const std::set<std::uint32_t>& numbers) {
  std::vector<ShardId> ids;
  for (const std::uint32_t number : numbers) ids.emplace_back(number);
  return ids;
}

Position position_of(std::optional<Timestamp> time) {
  return time ? Position(AtTime{*time}) : Position(TrimHorizon{});
}

std::size_t any_budget() {
  return *rc::gen::element<std::size_t>(1, 100, 1000, 100'000, mebibyte, 100 * mebibyte);
}

RC_GTEST_PROP(StreamProperty, DeliversWhatWasAppendedInItsOrder, ()) {
  ReadsBeside beside;
  fill(beside);
  for (int i = 0; i < 5; ++i) {
    const auto subset = any_shards();
    const auto from = beside.any_time();
    const auto until = beside.any_time();
    const ReadRequest request{.shards = ids_of(subset),
                              .from = position_of(from),
                              .until = until ? std::optional(Position(AtTime{*until})) : std::nullopt};
    RC_ASSERT(read(beside.reader(), request, any_budget()) == beside.model().read(subset, 0, from, until));
  }
}

Duration any_retention() {
  return *rc::gen::element<Duration>(1us, 1s, 2s, 1h, 3h, forever);
}

/// Every kind; those of one shard only where there is one.
Position any_position(ReadsBeside& beside, bool of_one_shard) {
  const auto number = [] { return SequenceNumber(*rc::gen::inRange<std::uint64_t>(0, 60)); };
  switch (*rc::gen::inRange(0, of_one_shard ? 6 : 4)) {
    case 0:
      return TrimHorizon{};
    case 1:
      return Latest{};
    case 2:
      return AtTime{beside.any_time().value_or(Timestamp{})};
    case 3:
      return LastRecords{*rc::gen::inRange<std::uint64_t>(0, 60)};
    case 4:
      return AtSequence{number()};
    default:
      return AfterSequence{number()};
  }
}

RC_GTEST_PROP(StreamProperty, FindsEveryPositionInWhatIsLeft, ()) {
  ReadsBeside beside;
  beside.change_retention(any_retention());
  for (int rounds = *rc::gen::inRange(1, 4); rounds > 0; --rounds) {
    fill(beside);
    if (*rc::gen::arbitrary<bool>()) beside.let_pass(*rc::gen::element<Duration>(1us, 1s, 1h));
    if (*rc::gen::arbitrary<bool>()) beside.trim();
    if (*rc::gen::weightedElement<bool>({{3, false}, {1, true}})) beside.change_retention(any_retention());
    for (int i = 0; i < 4; ++i) {
      const auto subset = any_shards();
      const Position from = any_position(beside, subset.size() == 1);
      const auto until = *rc::gen::arbitrary<bool>() ? std::optional(any_position(beside, subset.size() == 1))
                                                     : std::optional<Position>();
      const ReadRequest request{.shards = ids_of(subset), .from = from, .until = until};
      RC_ASSERT(read(beside.reader(), request, any_budget()) ==
                beside.model().between(subset, beside.expired(), from, until));
    }
  }
  RC_ASSERT(beside.any_writer().maintenance().verify([](double) { return true; }).findings.empty());
}

/// What a reader has been told of each shard: the number of the record that has to come next.
class Tiling {
 public:
  void add(const ReadResult& result) {
    for (const Gap& gap : result.gaps) {
      take(gap.shard.number(), std::stoull(gap.first.to_string()));
      next_[gap.shard.number()] = std::stoull(gap.last.to_string()) + 1;
    }
    std::vector<Delivered> records;
    test::add_to(records, result.batches);
    for (const Delivered& record : records) {
      take(record.shard, std::stoull(record.sequence));
      ++next_[record.shard];
    }
  }

  std::uint64_t next(std::uint32_t shard) { return next_.try_emplace(shard, 1).first->second; }

 private:
  void take(std::uint32_t shard, std::uint64_t first) { RC_ASSERT(first == next(shard)); }

  std::map<std::uint32_t, std::uint64_t> next_;
};

RC_GTEST_PROP(StreamProperty, TellsASlowReaderOfEveryGap, ()) {
  ReadsBeside beside;
  beside.change_retention(any_retention());
  const auto subset = any_shards();
  const auto follower = beside.reader().read({.shards = ids_of(subset), .follow = true});
  Tiling tiling;
  tiling.add(follower->next(1));  // nothing is there yet
  for (int steps = *rc::gen::inRange(1, 12); steps > 0; --steps) {
    beside.append_to_both();
    if (*rc::gen::weightedElement<bool>({{6, false}, {1, true}})) beside.append_many();
    if (*rc::gen::arbitrary<bool>()) beside.trim();
    if (*rc::gen::weightedElement<bool>({{6, false}, {1, true}})) beside.change_retention(any_retention());
    if (*rc::gen::arbitrary<bool>()) tiling.add(follower->next(any_budget()));
  }
  while (true) {
    const ReadResult result = follower->next(any_budget());
    if (result.batches.empty() && result.gaps.empty()) break;
    tiling.add(result);
  }
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    const bool followed = subset.empty() || subset.contains(shard);
    RC_ASSERT(tiling.next(shard) == (followed ? beside.model().read({shard}, 0, {}, {}).size() + 1 : 1));
  }
}

RC_GTEST_PROP(StreamProperty, FollowsFromWhereTheReadWasSetUp, ()) {
  ReadsBeside beside;
  fill(beside);
  const auto subset = any_shards();
  const auto before = beside.model().batches();
  const auto from_latest = beside.reader().read({.shards = ids_of(subset), .from = Latest{}, .follow = true});
  const auto from_horizon = beside.reader().read({.shards = ids_of(subset), .follow = true});
  const auto to_the_tail = beside.reader().read({.shards = ids_of(subset)});
  const auto there = beside.model().read(subset, 0, {}, {});
  std::vector<Delivered> latest;
  std::vector<Delivered> all;
  const auto commits = *rc::gen::inRange(0, 8);
  for (int i = 0; i < commits; ++i) {
    beside.append_to_both();
    for (const Delivered& record : drain(*from_latest, any_budget())) latest.push_back(record);
    if (*rc::gen::arbitrary<bool>()) {
      for (const Delivered& record : drain(*from_horizon, any_budget())) all.push_back(record);
    }
  }
  for (const Delivered& record : drain(*from_horizon, any_budget())) all.push_back(record);
  RC_ASSERT(latest == beside.model().read(subset, before, {}, {}));
  RC_ASSERT(all == beside.model().read(subset, 0, {}, {}));
  RC_ASSERT(drain(*to_the_tail, any_budget()) == there);
}

RC_GTEST_PROP(StreamProperty, CountsWhatWasAppended, ()) {
  ReadsBeside beside;
  fill(beside);
  const StreamStatistics statistics = beside.reader().maintenance().statistics(Detail::all);
  RC_ASSERT(statistics.description.turn == beside.model().batches());
  RC_ASSERT(beside.model().agrees(statistics.shards));
  const VerifyReport report = beside.any_writer().maintenance().verify([](double) { return true; });
  RC_ASSERT(report.findings.empty());
  RC_ASSERT(report.batches == beside.model().batches());
  RC_ASSERT(report.records == beside.model().read({}, 0, {}, {}).size());
}

}  // namespace
}  // namespace shardlog
