#include "tools/stream-serve/api/page.h"

#include <algorithm>

#include "tools/stream-serve/api/kept.h"

namespace shardlog::serve::api {

namespace {

/// What one step reads. Batches of a busy stream are as large, and those of a quiet one few.
constexpr std::size_t step_bytes = 1024UL * 1024;

/// What an answer has of a record beside its data in base64 and its key.
constexpr std::size_t most_beside = 200;

/// What comes after the records of a page; nullopt if that is damaged, and the page has records. They are right, and
/// the next page begins with the damage.
std::optional<ReadResult> next_after(const Page& page, Reader& reader, const PageLimits& limits) {
  const bool is_full = page.size() == limits.records || page.bytes() >= limits.bytes;
  try {
    return reader.next(is_full ? 1 : std::min(step_bytes, limits.bytes - page.bytes()));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt || page.size() == 0) throw;
    return std::nullopt;
  }
}

}  // namespace

bool Page::add(StoredBatch batch, const PageLimits& limits) {
  const std::size_t end = batch.first + batch.count;
  std::size_t taken = 0;
  std::size_t place = 0;
  for (const Record& record : batch.records) {
    const std::size_t at = place++;
    if (at < batch.first) continue;
    const bool is_full = size_ == limits.records || (size_ > 0 && bytes_ + record.size() > limits.bytes);
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

Page read_page(Stream& stream, const ShardStart& start, const PageLimits& limits) {
  Page page(start);
  const auto reader = stream.read({.starts = {start}, .shards = {}, .until = {}});
  // A full page goes on to the next batch too, which is not added: without one, the page is at the tail.
  while (auto result = next_after(page, *reader, limits)) {
    for (StoredBatch& batch : result->batches) {
      if (!page.add(std::move(batch), limits)) return page;
    }
    if (std::find(result->ended.begin(), result->ended.end(), start.shard) != result->ended.end()) page.end();
    if (result->at_end || page.ended()) {
      page.reach_tail();
      return page;
    }
  }
  return page;
}

void write_records(wire::Writer& to, const Page& page, const Numbering& numbering, const Attributes& of_stream) {
  const bool is_encrypted = encryption_key_of(of_stream).has_value();
  to.reserve(page.bytes() / 3 * 4 + page.size() * most_beside);
  to.key("Records");
  to.begin_list();
  page.each([&](ShardId shard, const Record& record, const SequenceNumber& sequence, Timestamp arrived_at) {
    const std::string number = numbering.of(shard, sequence, arrived_at).value_or("");
    to.begin_structure();
    to.text("SequenceNumber", number);
    to.time("ApproximateArrivalTimestamp", arrived_at);
    to.bytes("Data", record.data);
    to.text("PartitionKey", record.key.value_or(number));  // Kinesis knows no records without one
    if (is_encrypted) write_encrypted(to);
    to.end_structure();
  });
  to.end_list();
}

}  // namespace shardlog::serve::api
