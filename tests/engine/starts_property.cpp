#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::append_all;

using namespace std::chrono_literals;

/// A stream that is appended to, resharded and trimmed, and what has to be there by the rules alone. Record n of shard
/// s is "s:n".
class StartsBeside {
 public:
  struct ShardModel {
    std::uint64_t first = 1;
    std::uint64_t next = 1;
    std::uint64_t readable = 1;  ///< the first that is not trimmed
    bool closed = false;
    std::vector<std::uint32_t> parents{};
  };

  StartsBeside() : shards_(2) {
    shardlog::create(path_, test::of_shards(2), clock_);
    writer_ = shardlog::open(path_, {Access::write, 20s}, clock_);
    reader_ = shardlog::open(path_, {Access::read, 20s}, clock_);
  }

  [[nodiscard]] const std::vector<ShardModel>& shards() const { return shards_; }
  Stream& reader() { return *reader_; }

  void do_something() {
    switch (*rc::gen::weightedElement<int>({{8, 0}, {2, 1}, {1, 2}, {1, 3}})) {
      case 0:
        append();
        break;
      case 1:
        split();
        break;
      case 2:
        merge();
        break;
      default:
        let_expire();
    }
  }

 private:
  [[nodiscard]] std::uint32_t any_open() const {
    std::vector<std::uint32_t> open;
    for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
      if (!shards_[shard].closed) open.push_back(shard);
    }
    return *rc::gen::elementOf(open);
  }

  void append() {
    const std::uint32_t shard = any_open();
    std::vector<std::string> data(*rc::gen::inRange<std::size_t>(1, 4));
    for (std::string& each : data) each = std::to_string(shard) + ":" + std::to_string(shards_[shard].next++);
    const RoutedBatch batch = test::batch_of(shard, data);
    RC_ASSERT(append_all(*writer_, {&batch, 1}, Sync::normal).has_value());
  }

  void split() {
    const std::uint32_t parent = any_open();
    test::split(*writer_, parent);
    shards_[parent].closed = true;
    const std::uint64_t first = shards_[parent].next;
    for (int i = 0; i < 2; ++i) shards_.push_back({first, first, first, false, {parent}});
  }

  void merge() {
    const ShardMap map = writer_->describe().map;
    const auto& open = map.open_shards();
    if (open.size() < 2) return;
    const auto place = *rc::gen::inRange<std::size_t>(1, open.size());
    const std::uint32_t one = open[place - 1].number();
    const std::uint32_t other = open[place].number();
    test::merge(*writer_, one, other);
    for (const std::uint32_t parent : {one, other}) shards_[parent].closed = true;
    const std::uint64_t first = std::max(shards_[one].next, shards_[other].next);
    shards_.push_back({first, first, first, false, {one, other}});
  }

  void let_expire() {
    clock_.step(1h);
    writer_->maintenance().update({.retention = 30min});
    for (ShardModel& shard : shards_) shard.readable = shard.next;
  }

  test::TemporaryDirectory directory_ = test::TemporaryDirectory::without_disk();
  test::ManualClock clock_;
  std::string path_ = directory_.path() + "/orders";
  std::unique_ptr<Stream> writer_;
  std::unique_ptr<Stream> reader_;
  std::vector<ShardModel> shards_;
};

/// Holds what a read tells against the model.
class Audit {
 public:
  Audit(StartsBeside& beside, const ReadRequest& request) : beside_(beside), request_(request) {
    for (const auto& [shard, from] : request.starts) {
      Begin begin;
      if (const auto* at = std::get_if<AtSequence>(&from)) begin.number = std::stoull(at->sequence.to_string());
      listed_.emplace(shard.number(), begin);
    }
  }

  /// REQUIRES: the stream is as it was when the read made this result
  void add(const ReadResult& result) {
    take_in_shards();
    for (const Gap& gap : result.gaps) {
      go_on(gap.shard.number(), std::stoull(gap.first.to_string()), std::stoull(gap.last.to_string()));
    }
    std::vector<test::Delivered> records;
    test::add_to(records, result.batches);
    for (const test::Delivered& record : records) {
      RC_ASSERT(record.data == std::to_string(record.shard) + ":" + record.sequence);
      go_on(record.shard, std::stoull(record.sequence), std::stoull(record.sequence));
    }
    for (const ShardId shard : result.ended) RC_ASSERT(ended_.insert(shard.number()).second);
    for (const auto& [shard, next] : next_) {
      const StartsBeside::ShardModel& model = beside_.shards()[shard];
      RC_ASSERT(ended_.contains(shard) == (model.closed && next >= model.next));
    }
  }

  void expect_all_told() {
    for (const auto& [shard, next] : next_) RC_ASSERT(next >= beside_.shards()[shard].next);
  }

 private:
  struct Begin {
    std::optional<std::uint64_t> number{};
  };

  /// Those that are wanted by now, each where it begins.
  void take_in_shards() {
    const auto& models = beside_.shards();
    for (std::uint32_t shard = 0; shard < models.size(); ++shard) {
      const StartsBeside::ShardModel& model = models[shard];
      std::optional<Begin> begin;
      if (const auto found = listed_.find(shard); found != listed_.end()) {
        begin = found->second;
      } else if (request_.descendants) {
        for (const std::uint32_t parent : model.parents) {
          const auto of_parent = begins_.find(parent);
          if (of_parent == begins_.end()) continue;
          if (!begin) begin.emplace();
          if (of_parent->second.number) begin->number = 0;
        }
      }
      if (!begin || !begins_.emplace(shard, *begin).second) continue;
      const bool whole = begin->number || !first_;
      next_[shard] = whole ? std::max(begin->number.value_or(0), model.first) : model.readable;
    }
    first_ = false;
  }

  void go_on(std::uint32_t shard, std::uint64_t first, std::uint64_t last) {
    RC_ASSERT(next_.contains(shard));
    RC_ASSERT(next_[shard] == first);
    RC_ASSERT(first <= last);
    next_[shard] = last + 1;
  }

  StartsBeside& beside_;
  ReadRequest request_;
  bool first_ = true;
  std::map<std::uint32_t, Begin> listed_;
  std::map<std::uint32_t, Begin> begins_;
  std::map<std::uint32_t, std::uint64_t> next_;
  std::set<std::uint32_t> ended_;
};

std::vector<ShardStart> any_starts(const StartsBeside& beside) {
  std::vector<ShardStart> starts;
  const auto& models = beside.shards();
  for (std::uint32_t shard = 0; shard < models.size(); ++shard) {
    if (*rc::gen::weightedElement<bool>({{2, true}, {1, false}}) && !(shard + 1 == models.size() && starts.empty()))
      continue;
    ShardStart start{ShardId(shard), TrimHorizon{}};
    if (*rc::gen::weightedElement<bool>({{3, true}, {1, false}})) {
      start.from = AtSequence{SequenceNumber(*rc::gen::inRange<std::uint64_t>(0, models[shard].next + 3))};
    }
    starts.push_back(std::move(start));
  }
  return starts;
}

void read_beside_changes(bool follow) {
  StartsBeside beside;
  const auto before = *rc::gen::inRange(0, 40);
  for (int i = 0; i < before; ++i) beside.do_something();
  ReadRequest request;
  request.starts = any_starts(beside);
  request.follow = follow;
  request.notice = false;
  request.descendants = *rc::gen::arbitrary<bool>();
  Audit audit(beside, request);
  const auto reader = beside.reader().read(request);
  const std::size_t budget = *rc::gen::element<std::size_t>(1, 300, test::mebibyte);
  auto changes = follow ? *rc::gen::inRange(0, 30) : 0;
  while (true) {
    for (int some = *rc::gen::inRange(1, 4); changes > 0 && some > 0; --changes, --some) beside.do_something();
    const ReadResult result = reader->next(budget);
    audit.add(result);
    if (result.at_end || (changes == 0 && result.batches.empty() && result.gaps.empty())) break;
  }
  audit.expect_all_told();
}

RC_GTEST_PROP(StartsProperty, EachShardIsToldFromItsPlaceToItsEnd, ()) {
  read_beside_changes(false);
}

RC_GTEST_PROP(StartsProperty, EachShardIsFollowedFromItsPlaceToItsEnd, ()) {
  read_beside_changes(true);
}

}  // namespace
}  // namespace shardlog
