#include "support/memory_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "shardlog/core/threads.h"

namespace shardlog::test {

namespace {

using namespace std::chrono_literals;

bool is_number(const Position& position) {
  return std::holds_alternative<AtSequence>(position) || std::holds_alternative<AfterSequence>(position);
}

/// In one shard.
class PlaceOf {
 public:
  PlaceOf(const MemoryLog& log, ShardId id) : log_(log), id_(id), shard_(log.shard(id)) {}

  MemoryCursor operator()(const Beginning& at) const {
    return {.next = shard_.begin, .not_before = at.not_before.value_or(Timestamp::min())};
  }
  MemoryCursor operator()(const TrimHorizon& /*at*/) const {
    return {.next = shard_.readable, .by_number = false, .has_come = shard_.readable < shard_.next};
  }
  MemoryCursor operator()(const Latest& /*at*/) const { return {.next = shard_.next, .has_come = false}; }
  MemoryCursor operator()(const AtTime& at) const {
    for (const MemoryBatch& batch : log_.batches()) {
      for (std::size_t i = 0; batch.shard == id_ && i < batch.numbers.size(); ++i) {
        if (batch.numbers[i] >= shard_.readable && batch.arrivals[i] >= at.time) return {.next = batch.numbers[i]};
      }
    }
    return {.next = shard_.next, .not_before = at.time, .has_come = false};
  }
  MemoryCursor operator()(const LastRecords& /*at*/) const { return (*this)(Latest{}); }
  MemoryCursor operator()(const AtSequence& at) const {
    return {.next = std::max(number_of(at.sequence), shard_.begin),
            .not_before = at.not_before.value_or(Timestamp::min())};
  }
  MemoryCursor operator()(const AfterSequence& after) const {
    const std::uint64_t number = number_of(after.sequence);
    return {.next = std::max(number == UINT64_MAX ? number : number + 1, shard_.begin)};
  }

 private:
  const MemoryLog& log_;
  ShardId id_;
  const MemoryShard& shard_;
};

void count_back(const MemoryLog& log, std::uint64_t count, MemoryCursors& cursors) {
  for (auto batch = log.batches().rbegin(); batch != log.batches().rend(); ++batch) {
    const auto cursor = cursors.find(batch->shard);
    if (cursor == cursors.end()) continue;
    for (std::size_t i = batch->numbers.size(); i-- > 0 && count > 0;) {
      if (batch->numbers[i] < log.shard(batch->shard).readable) break;
      cursor->second = {.next = batch->numbers[i]};
      --count;
    }
  }
}

SequenceRun run_of(const std::vector<std::uint64_t>& numbers, bool dense) {
  if (dense) return SequenceRun::dense(numbers.front(), numbers.size());
  std::vector<SequenceNumber> listed;
  for (const std::uint64_t number : numbers) listed.emplace_back(number);
  return SequenceRun(std::move(listed));
}

RecordBatch decoded(const std::string& payload) {
  Bytes copy(payload.size());
  std::memcpy(copy.data(), payload.data(), payload.size());
  return RecordBatch::decode(std::move(copy));
}

}  // namespace

std::vector<ShardId> chosen(const MemoryLog& log, const std::vector<ShardId>& shards) {
  std::vector<ShardId> result;
  for (const ShardId id : shards) result.push_back(log.map().at(id).id);
  std::sort(result.begin(), result.end());
  if (!result.empty()) return result;
  for (const Shard& shard : log.map().shards()) result.push_back(shard.id);
  return result;
}

MemoryCursor cursor_at(const MemoryLog& log, const ShardStart& start) {
  return std::visit(PlaceOf(log, start.shard), start.from);
}

MemoryCursors cursors_at(const MemoryLog& log, const Position& position, const std::vector<ShardId>& shards) {
  if (is_number(position) && shards.size() != 1) {
    throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose one");
  }
  MemoryCursors cursors;
  for (const ShardId id : chosen(log, shards)) cursors.emplace(id, std::visit(PlaceOf(log, id), position));
  if (const auto* const last = std::get_if<LastRecords>(&position)) count_back(log, last->count, cursors);
  return cursors;
}

MemoryReader::MemoryReader(std::shared_ptr<MemoryStore> store, const Clock& clock, const ReadRequest& request)
    : store_(std::move(store)),
      clock_(clock),
      follow_(request.follow),
      notice_(request.notice),
      descendants_(request.descendants),
      listed_(!request.starts.empty() || !request.shards.empty()) {
  seen_ = store_->announcements();
  store_->locked([&](MemoryLog& log) {
    log.expire(clock_.now());
    begin(log, request);
    if (request.strict) check_strict(log);
    if (descendants_) adopt(log, true);
    end(log, request);
  });
}

void MemoryReader::begin(const MemoryLog& log, const ReadRequest& request) {
  if (request.starts.empty()) {
    cursors_ = cursors_at(log, request.from, request.shards);
    if (const auto* const at = std::get_if<AtTime>(&request.from)) not_before_ = at->time;
  }
  for (const ShardStart& start : request.starts) {
    if (!cursors_.emplace(start.shard, cursor_at(log, start)).second) {
      throw Error(ErrorCode::usage, start.shard.to_string() + " is listed twice");
    }
  }
}

void MemoryReader::check_strict(const MemoryLog& log) const {
  for (const auto& [id, cursor] : cursors_) {
    const MemoryShard& shard = log.shard(id);
    const bool before = cursor.by_number && cursor.next < shard.readable;
    const bool time_is_gone = not_before_ > Timestamp::min() && shard.last_trimmed >= not_before_;
    if (before || time_is_gone) throw Error(ErrorCode::trimmed, "what " + id.to_string() + " begins with is trimmed");
  }
}

/// Where a read ends that does not follow, and what `until` says.
void MemoryReader::end(const MemoryLog& log, const ReadRequest& request) {
  const bool pinned = !follow_ || (request.until && std::holds_alternative<Latest>(*request.until));
  if (pinned) {
    for (auto& [id, cursor] : cursors_) cursor.end = log.shard(id).next;
    follow_ = false;
  }
  if (!request.until || std::holds_alternative<Latest>(*request.until)) return;
  std::vector<ShardId> shards;
  for (const auto& [id, cursor] : cursors_) {
    const bool is_first = request.starts.empty() || id == request.starts.front().shard;
    if (!is_number(*request.until) || is_first) shards.push_back(id);
  }
  if (is_number(*request.until)) {
    const std::size_t count = request.starts.empty() ? request.shards.size() : request.starts.size();
    if (count != 1) throw Error(ErrorCode::usage, "a sequence number is a position in one shard: choose one");
    shards = {request.starts.empty() ? request.shards.front() : request.starts.front().shard};
    last_ = shards.front();
  }
  if (const auto* const at = std::get_if<AtTime>(&*request.until)) until_ = at->time;
  for (const auto& [id, place] : cursors_at(log, *request.until, shards)) {
    auto& end = cursors_.at(id).end;
    if (!until_ || place.has_come) end = std::min(end.value_or(place.next), place.next);
  }
}

/// Children of what is read are read from their beginning. Those that are there at the start, and whose parents do not
/// begin at a number, begin with what is left.
void MemoryReader::adopt(const MemoryLog& log, bool at_start) {
  for (const Shard& shard : log.map().shards()) {
    if (cursors_.contains(shard.id)) continue;
    bool is_child = !listed_;
    bool by_number = !at_start;
    Timestamp not_before = Timestamp::max();
    for (const auto& parent : {shard.parent, shard.adjacent_parent}) {
      const auto found = parent ? cursors_.find(*parent) : cursors_.end();
      if (found == cursors_.end()) continue;
      is_child = true;
      by_number = by_number || found->second.by_number;
      not_before = std::min(not_before, found->second.not_before);
    }
    if (!is_child) continue;
    MemoryCursor cursor{.next = log.shard(shard.id).begin, .by_number = by_number};
    cursor.not_before = std::max(not_before == Timestamp::max() ? Timestamp::min() : not_before, not_before_);
    cursors_.emplace(shard.id, cursor);
  }
}

void MemoryReader::tell_gaps(const MemoryLog& log, ReadResult& result) {
  for (auto& [id, cursor] : cursors_) {
    const MemoryShard& shard = log.shard(id);
    const std::uint64_t behind = std::min(shard.readable, cursor.end.value_or(shard.readable));
    if (cursor.next < behind && cursor.by_number && shard.last_trimmed >= cursor.not_before) {
      result.gaps.push_back({id, SequenceNumber(cursor.next), SequenceNumber(behind - 1)});
    }
    cursor.next = std::max(cursor.next, behind);
    cursor.by_number = true;
  }
}

std::vector<const MemoryBatch*> MemoryReader::unread(const MemoryLog& log) const {
  std::vector<const MemoryBatch*> result;
  for (const MemoryBatch& batch : log.batches()) {
    const auto cursor = cursors_.find(batch.shard);
    if (cursor == cursors_.end() || batch.numbers.back() < cursor->second.next) continue;
    if (!cursor->second.end || cursor->second.next < *cursor->second.end) result.push_back(&batch);
  }
  if (!store_->traits().capabilities.ordered_over_shards) {
    std::stable_sort(result.begin(), result.end(),
                     [](const MemoryBatch* a, const MemoryBatch* b) { return a->shard > b->shard; });
  }
  return result;
}

/// How many bytes of it were asked for.
std::size_t MemoryReader::deliver(const MemoryBatch& batch, ReadResult& result) {
  MemoryCursor& cursor = cursors_.at(batch.shard);
  const std::size_t size = batch.numbers.size();
  std::size_t first = 0;
  while (first < size && (batch.numbers[first] < cursor.next || batch.arrivals[first] < cursor.not_before)) ++first;
  std::size_t last = first;
  for (; last < size; ++last) {
    const bool too_late = until_ && batch.arrivals[last] >= *until_;
    if (too_late) cursor.end = std::min(cursor.end.value_or(UINT64_MAX), batch.numbers[last]);
    if (cursor.end && batch.numbers[last] >= *cursor.end) break;
  }
  cursor.next = last < size ? *cursor.end : batch.numbers.back() + 1;
  if (first == last) return 0;
  cursor.not_before = Timestamp::min();
  result.batches.push_back({batch.shard, batch.arrivals,
                            run_of(batch.numbers, store_->traits().capabilities.dense_numbers), decoded(batch.payload),
                            first, last - first});
  return batch.payload.size();
}

void MemoryReader::tell_ends(const MemoryLog& log, ReadResult& result) {
  for (auto& [id, cursor] : cursors_) {
    if (cursor.ended || log.map().at(id).open() || cursor.next < log.shard(id).next) continue;
    cursor.ended = true;
    result.ended.push_back(id);
  }
}

/// All that there is was delivered: whether that is the end.
bool MemoryReader::at_end(const MemoryLog& log) const {
  if (!follow_ || (until_ && clock_.now() >= *until_)) return true;
  const auto reached = [](const MemoryCursor& cursor) { return cursor.end && cursor.next >= *cursor.end; };
  if (last_ && reached(cursors_.at(*last_))) return true;
  const auto is_over = [&](const auto& each) {
    const bool is_read = listed_ && !log.map().at(each.first).open() && each.second.next >= log.shard(each.first).next;
    return is_read || reached(each.second);
  };
  return std::all_of(cursors_.begin(), cursors_.end(), is_over);
}

ReadResult MemoryReader::next(std::size_t budget) {
  seen_ = store_->announcements();
  return store_->locked([&](MemoryLog& log) {
    ReadResult result;
    limits_ = log.limits();
    log.expire(clock_.now());
    if (follow_ && (descendants_ || !listed_)) adopt(log, false);
    tell_gaps(log, result);
    std::size_t bytes = 0;
    bool is_whole = true;
    for (const MemoryBatch* const batch : unread(log)) {
      is_whole = bytes < budget || result.batches.empty();
      if (!is_whole) break;
      bytes += deliver(*batch, result);
    }
    tell_ends(log, result);
    result.at_end = is_whole && at_end(log);
    result.at_tail = is_whole;
    return result;
  });
}

bool MemoryReader::wait(Duration timeout, std::stop_token stop) {
  if (until_) timeout = std::min<Duration>(timeout, std::clamp<Duration>(*until_ - clock_.now(), 0ms, 100ms));
  if (notice_) return store_->wait(seen_, timeout, stop);
  sleep_for(timeout, stop);
  return false;
}

}  // namespace shardlog::test
