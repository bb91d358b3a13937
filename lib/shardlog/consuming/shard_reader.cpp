#include "shardlog/consuming/shard_reader.h"

#include <algorithm>
#include <utility>

#include "shardlog/consuming/consumer.h"
#include "shardlog/consuming/frontier.h"
#include "shardlog/core/threads.h"

namespace shardlog::consuming {

namespace {

/// How many records of the read are before `end`.
std::size_t count_before(const StoredBatch& stored, const SequenceNumber& end) {
  std::size_t least = 0;
  std::size_t most = stored.count;
  while (least < most) {
    const std::size_t middle = (least + most) / 2;
    if (stored.sequences[stored.first + middle] < end) {
      least = middle + 1;
    } else {
      most = middle;
    }
  }
  return least;
}

}  // namespace

ShardReader::ShardReader(Stream& stream, const WorkerOptions& options, const Clock& clock,
                         const std::optional<std::vector<LocatedStart>>& ends, LimitedReader::OnThrottled on_throttled)
    : stream_(stream),
      options_(options),
      clock_(clock),
      on_throttled_(std::move(on_throttled)),
      allowance_(allowance_of_consumer(stream, clock)),
      meter_(stream, clock, find_consumer(stream, options.consumer).uuid) {
  if (!ends) return;
  for (const LocatedStart& end : *ends) ends_.emplace(end.shard, end.next);
}

void ShardReader::add(ShardId shard, const Checkpoint& start) {
  if (std::holds_alternative<ShardEnd>(start)) {
    ended_.insert(shard);
    return;
  }
  if (!options_.follow && !ends_.contains(shard)) return;
  reading_.insert_or_assign(shard, start);
  reader_.reset();
  meter_.fell_behind();
  throttled_for_ = Duration(0);
  at_tail_ = false;
}

void ShardReader::remove(ShardId shard) {
  ended_.erase(shard);
  if (reading_.erase(shard) == 0) return;
  reader_.reset();
  throttled_for_ = Duration(0);
}

void ShardReader::make_reader() {
  ReadRequest request;
  request.follow = options_.follow;
  request.notice = !options_.poll;
  for (const auto& [shard, checkpoint] : reading_) request.starts.push_back(*start_at(shard, checkpoint));
  reader_.emplace(stream_.read(request), *allowance_, meter_, clock_, on_throttled_);
}

bool ShardReader::read(Batches& batches, Duration now) {
  has_waited_ = false;
  throttled_for_ = Duration(0);
  if (reading_.empty()) {
    at_tail_ = options_.follow;
    return false;
  }
  if (!reader_) make_reader();
  ReadResult result = reader_->next(piece_bytes);
  throttled_for_ = reader_->throttled_for();
  bool came = false;
  for (const Gap& gap : result.gaps) {
    const auto reading = reading_.find(gap.shard);
    if (reading == reading_.end()) continue;
    reading->second = later(reading->second, AfterSequence{gap.last});
    batches.add(gap, now);
    came = true;
  }
  const bool was_empty = result.batches.empty() && result.gaps.empty();
  for (StoredBatch& stored : result.batches) came = take(std::move(stored), batches, now) || came;
  for (const ShardId shard : result.ended) {
    if (reading_.erase(shard) > 0) ended_.insert(shard);
  }
  if (options_.follow) {
    at_tail_ = was_empty && throttled_for_ == Duration(0) && !result.at_end;
    if (result.at_end) reader_.reset();
  } else if (result.at_end) {
    reading_.clear();
  }
  return came;
}

/// Adds the records before the shard's end. False if there are none.
bool ShardReader::take(StoredBatch stored, Batches& batches, Duration now) {
  const auto reading = reading_.find(stored.shard);
  if (reading == reading_.end()) return false;
  std::size_t count = stored.count;
  bool at_end = false;
  if (const auto end = ends_.find(stored.shard); end != ends_.end()) {
    if (end->second) count = count_before(stored, *end->second);
    at_end = count < stored.count;
  }
  const ShardId shard = stored.shard;
  if (count > 0) {
    reading->second = AfterSequence{stored.sequences[stored.first + count - 1]};
    const std::size_t first = stored.first;
    batches.add(shard, {std::make_shared<const StoredBatch>(std::move(stored)), first, count}, now);
  }
  if (at_end) reading_.erase(reading);
  return count > 0;
}

bool ShardReader::wait(Duration time, const std::stop_token& stop) {
  has_waited_ = true;
  if (reader_) return reader_->wait(time, stop);
  if (options_.poll) {
    sleep_for(time, stop);
    return false;
  }
  // A worker with nothing to read wakes up too: a lease may have become free.
  if (!notice_) {
    notice_ = stream_.notice();
    return true;  // it does not notice what was committed since the worker looked
  }
  return notice_->wait(time, stop);
}

}  // namespace shardlog::consuming
