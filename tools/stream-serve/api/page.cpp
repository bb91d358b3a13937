#include "tools/stream-serve/api/page.h"

#include <algorithm>

namespace shardlog::serve::api {

namespace {

constexpr std::size_t most_bytes = 10UL * 1024 * 1024;

/// What one step reads. Batches of a busy stream are as large, and those of a quiet one few.
constexpr std::size_t step_bytes = 1024UL * 1024;

/// What comes after the records of a page; nullopt if that is damaged, and the page has records. They are right, and
/// the next page begins with the damage.
std::optional<ReadResult> next_after(const Page& page, Reader& reader, std::size_t limit) {
  const bool is_full = page.size() == limit || page.bytes() >= most_bytes;
  try {
    return reader.next(is_full ? 1 : std::min(step_bytes, most_bytes - page.bytes()));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt || page.size() == 0) throw;
    return std::nullopt;
  }
}

}  // namespace

bool Page::add(StoredBatch batch, std::size_t limit) {
  const std::size_t end = batch.first + batch.count;
  std::size_t taken = 0;
  std::size_t place = 0;
  for (const Record& record : batch.records) {
    const std::size_t at = place++;
    if (at < batch.first) continue;
    const bool is_full = size_ == limit || (size_ > 0 && bytes_ + record.size() > most_bytes);
    if (at == end || is_full) break;
    ++size_;
    ++taken;
    bytes_ += record.size();
  }
  const bool is_whole = taken == batch.count;
  if (taken == 0) return is_whole;
  batch.count = taken;
  const std::size_t last = batch.first + taken - 1;
  arrived_last_ = batch.arrivals[last];
  next_ = AfterSequence{batch.sequences[last]};
  batches_.push_back(std::move(batch));
  return is_whole;
}

Page read_page(Stream& stream, const ShardStart& start, std::size_t limit) {
  Page page(start);
  const auto reader = stream.read({.starts = {start}, .shards = {}, .until = {}});
  // A full page goes on to the next batch too, which is not added: without one, the page is at the tail.
  while (auto result = next_after(page, *reader, limit)) {
    for (StoredBatch& batch : result->batches) {
      if (!page.add(std::move(batch), limit)) return page;
    }
    if (std::find(result->ended.begin(), result->ended.end(), start.shard) != result->ended.end()) page.end();
    if (result->at_end || page.ended()) {
      page.reach_tail();
      return page;
    }
  }
  return page;
}

}  // namespace shardlog::serve::api
