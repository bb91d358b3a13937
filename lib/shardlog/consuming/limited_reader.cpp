#include "shardlog/consuming/limited_reader.h"

#include <algorithm>
#include <utility>

namespace shardlog::consuming {

namespace {

constexpr Duration told_after = std::chrono::seconds(1);

bool is_empty(const ReadResult& result) {
  return result.batches.empty() && result.gaps.empty();
}

/// The first records of the batch whose bytes are `most` or just more.
struct Part {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};

Part part_of(const StoredBatch& batch, std::uint64_t most) {
  const bool is_whole = batch.count == batch.records.size();
  if (is_whole && batch.records.data_bytes() <= most) return {batch.count, batch.records.data_bytes()};
  Part part;
  auto record = batch.records.begin();
  for (std::size_t i = 0; i < batch.first; ++i) ++record;
  for (; part.count < batch.count && part.bytes < most; ++record) {
    part.bytes += (*record).size();
    ++part.count;
  }
  return part;
}

}  // namespace

LimitedReader::LimitedReader(std::unique_ptr<Reader> reader, ReadAllowance& allowance, ReadMeter& meter,
                             const Clock& clock, OnThrottled on_throttled)
    : reader_(std::move(reader)),
      allowance_(allowance),
      meter_(meter),
      clock_(clock),
      on_throttled_(std::move(on_throttled)) {}

ReadResult LimitedReader::next(std::size_t budget) {
  meter_.write_if_due();
  throttled_for_ = Duration(0);
  bool is_last = false;  // of what was there
  if (!rest_) {
    const Duration start = clock_.elapsed();
    rest_ = reader_->next(budget);
    took_ = clock_.elapsed() - start;
    next_ = 0;
    allowance_.learn(reader_->limits());
    is_last = rest_->at_tail;
    if (is_empty(*rest_) && !rest_->at_end) meter_.reached_tail();
  }
  ReadResult result = allowance_.is_limited() ? hand_out() : *std::exchange(rest_, std::nullopt);
  meter_.read(result.batches, result.batches.empty() ? std::nullopt : std::exchange(took_, std::nullopt));
  if (!is_last) meter_.fell_behind();
  return result;
}

/// What the limits allow of the rest.
ReadResult LimitedReader::hand_out() {
  ReadResult result;
  result.gaps = std::exchange(rest_->gaps, {});
  bool goes_on = true;
  while (goes_on && next_ < rest_->batches.size()) goes_on = hand_out(result);
  if (goes_on) {
    result.ended = std::move(rest_->ended);
    result.at_end = rest_->at_end;
    rest_.reset();
  }
  if (is_empty(result)) {  // it waits, at the tail or for capacity: what it reads after that is another call
    calls_.clear();
    if (goes_on) throttled_since_.reset();
  } else {
    throttled_for_ = Duration(0);
  }
  return result;
}

/// Writes what was measured when that is due, and goes on waiting.
bool LimitedReader::wait(Duration timeout, const std::stop_token& stop) {
  const Duration until_due = meter_.until_due();
  if (timeout <= until_due) return reader_->wait(timeout, stop);
  if (until_due > Duration(0) && reader_->wait(until_due, stop)) return true;
  meter_.write_if_due();
  if (stop.stop_requested()) return false;
  return reader_->wait(timeout - until_due, stop);
}

/// Moves what can be read now of the next batch to the result. False if the rest of it must be waited for.
bool LimitedReader::hand_out(ReadResult& result) {
  StoredBatch& batch = rest_->batches[next_];
  const auto call = calls_.find(batch.shard);
  const bool in_new_call = call == calls_.end() || call->second >= capacity::bytes_of_a_call;
  const std::uint64_t already = in_new_call ? 0 : call->second;
  const std::uint64_t readable = allowance_.readable(batch.shard, in_new_call);
  if (readable == 0) {
    throttle(batch.shard, in_new_call);
    return false;
  }
  waits_ = false;
  const ShardId shard = batch.shard;
  const std::uint64_t bytes = pass(batch, std::min(readable, capacity::bytes_of_a_call - already), result);
  allowance_.spend(shard, in_new_call, bytes);
  calls_[shard] = already + bytes;
  return true;
}

/// Passes on records of `most` bytes, or just more. Returns how many bytes these are.
std::uint64_t LimitedReader::pass(StoredBatch& batch, std::uint64_t most, ReadResult& result) {
  const Part part = part_of(batch, most);
  if (part.count == batch.count) {
    result.batches.push_back(std::move(batch));
    ++next_;
    return part.bytes;
  }
  result.batches.push_back(batch);
  result.batches.back().count = part.count;
  batch.first += part.count;
  batch.count -= part.count;
  return part.bytes;
}

void LimitedReader::throttle(ShardId shard, bool in_new_call) {
  meter_.fell_behind();
  if (!std::exchange(waits_, true)) meter_.throttled(shard);
  throttled_for_ = std::max(allowance_.until_more(shard, in_new_call), Duration(1));
  const Duration now = clock_.elapsed();
  if (!throttled_since_) {
    throttled_since_ = now;
    told_ = false;
  }
  if (told_ || now + throttled_for_ - *throttled_since_ < told_after) return;
  told_ = true;
  on_throttled_({allowance_.limits(), allowance_.lacks_calls(shard, in_new_call)});
}

}  // namespace shardlog::consuming
