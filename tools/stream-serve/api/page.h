#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/stream-serve/api/shards.h"
#include "tools/stream-serve/wire/writer.h"

namespace shardlog::serve::api {

/// Bounds of a page.
struct PageLimits {
  std::size_t records;
  std::size_t bytes;  ///< of data and keys, but one record always fits
};

/// A page of the records of a shard (Kinesis API, "GetRecords").
class Page {
 public:
  /// The page that begins at `start`, empty as yet.
  explicit Page(const ShardStart& start) : next_(start.from) {}

  /// Adds records of a batch until the page is full. Returns whether all of the batch's records are in it.
  bool add(StoredBatch batch, const PageLimits& limits);

  /// Notes that there are no more records now, or ever.
  void reach_tail() { at_tail_ = true; }
  void end() { ended_ = true; }

  /// Calls `use(shard, record, sequence, arrived_at)` for each record.
  template <typename Use>
  void each(const Use& use) const {
    for (const StoredBatch& batch : batches_) {
      std::size_t place = 0;
      for (const Record& record : batch.records) {
        const std::size_t at = place++;
        if (at < batch.first) continue;
        if (at >= batch.first + batch.count) break;
        use(batch.shard, record, batch.sequences[at], batch.arrivals[at]);
      }
    }
  }

  /// Each with those of its records that are in the page.
  [[nodiscard]] const std::vector<StoredBatch>& batches() const { return batches_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool at_tail() const { return at_tail_; }
  [[nodiscard]] bool ended() const { return ended_; }  ///< the shard is closed, and this page has its last records
  /// When the newest record of the page arrived; nullopt if it has none.
  [[nodiscard]] std::optional<Timestamp> arrived_last() const { return arrived_last_; }
  /// Where the next page begins.
  [[nodiscard]] const decltype(ShardStart::from)& next() const { return next_; }

 private:
  std::vector<StoredBatch> batches_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  bool at_tail_ = false;
  bool ended_ = false;
  std::optional<Timestamp> arrived_last_;
  decltype(ShardStart::from) next_;
};

/// Reads the page that begins at `start`. What retention has removed is skipped, as Kinesis does. Throws as
/// Stream::read() and Reader::next().
Page read_page(Stream& stream, const ShardStart& start, const PageLimits& limits);

/// A member "Records". Each record says that it is encrypted if a key is kept with the stream.
void write_records(wire::Writer& to, const Page& page, const Numbering& numbering, const Attributes& of_stream);

}  // namespace shardlog::serve::api
