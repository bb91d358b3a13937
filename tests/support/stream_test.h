#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "shardlog/engines.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"

namespace shardlog::test {

constexpr std::size_t kibibyte = 1024;
constexpr std::size_t mebibyte = 1024 * kibibyte;
constexpr std::size_t any_budget = mebibyte;

inline RoutedBatch batch_of(std::uint32_t shard, const std::vector<std::string>& data) {
  const std::vector<Record> records = [&] {
    std::vector<Record> result;
    for (const std::string& each : data) result.push_back({each, std::nullopt});
    return result;
  }();
  return {ShardId(shard), encode(records)};
}

/// What became of each batch if all are stored; empty if a shard is closed.
inline std::optional<std::vector<Stored>> append_all(Stream& stream, std::span<const RoutedBatch> batches, Sync sync,
                                                     std::span<const ProducerMove> moves = {}) {
  std::vector<Stored> stored;
  for (Outcome& outcome : stream.append({batches, sync, moves})) {
    if (std::holds_alternative<Sealed>(outcome)) return std::nullopt;
    stored.push_back(std::get<Stored>(std::move(outcome)));
  }
  return stored;
}

/// A record as it was read.
struct Delivered {
  std::uint32_t shard = 0;
  std::string sequence;
  Timestamp arrived_at;
  std::string data;

  friend bool operator==(const Delivered&, const Delivered&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Delivered& record) {
    return out << record.shard << '/' << record.sequence << " at " << to_rfc3339(record.arrived_at) << ' '
               << quote(record.data.substr(0, 40)) << " of " << record.data.size();
  }
};

inline void add_to(std::vector<Delivered>& records, const std::vector<StoredBatch>& batches) {
  for (const StoredBatch& batch : batches) {
    std::size_t index = 0;
    for (const Record& record : batch.records) {
      const std::size_t place = index++;
      if (place < batch.first || place >= batch.first + batch.count) continue;
      records.push_back(
          {batch.shard.number(), batch.sequences[place].to_string(), batch.arrivals[place], std::string(record.data)});
    }
  }
}

/// A gap as "shard:first-last".
inline std::string text_of(const Gap& gap) {
  return std::to_string(gap.shard.number()) + ":" + gap.first.to_string() + "-" + gap.last.to_string();
}

/// What is delivered until the tail or the end: gaps as "gap 1:2-3", records as their data, "end of 1", and "end".
inline std::vector<std::string> told(Reader& reader, std::size_t budget = any_budget) {
  std::vector<std::string> lines;
  while (true) {
    const ReadResult result = reader.next(budget);
    for (const Gap& gap : result.gaps) lines.push_back("gap " + text_of(gap));
    std::vector<Delivered> records;
    add_to(records, result.batches);
    for (const Delivered& record : records) lines.push_back(record.data);
    for (const ShardId shard : result.ended) lines.push_back("end of " + std::to_string(shard.number()));
    if (result.at_end) lines.emplace_back("end");
    if (result.at_end || (result.batches.empty() && result.gaps.empty())) return lines;
  }
}

inline std::vector<std::string> told(Stream& stream, const ReadRequest& request, std::size_t budget = any_budget) {
  return told(*stream.read(request), budget);
}

/// The same with gaps as "1:2-3", and without the ends.
inline std::vector<std::string> drain_with_gaps(Reader& reader, std::size_t budget = any_budget) {
  std::vector<std::string> lines;
  while (true) {
    const ReadResult result = reader.next(budget);
    for (const Gap& gap : result.gaps) lines.push_back(text_of(gap));
    std::vector<Delivered> records;
    add_to(records, result.batches);
    for (const Delivered& record : records) lines.push_back(record.data);
    if (result.at_end || (result.batches.empty() && result.gaps.empty())) return lines;
  }
}

/// What comes until there is no more to come, or, when following, until the tail.
inline std::vector<Delivered> drain(Reader& reader, std::size_t budget = any_budget) {
  std::vector<Delivered> records;
  while (true) {
    const ReadResult result = reader.next(budget);
    add_to(records, result.batches);
    if (result.at_end || (result.batches.empty() && result.gaps.empty())) return records;
  }
}

inline std::vector<Delivered> read(Stream& stream, const ReadRequest& request = {}, std::size_t budget = any_budget) {
  return drain(*stream.read(request), budget);
}

inline std::vector<std::string> data_of(const std::vector<Delivered>& records) {
  std::vector<std::string> result;
  for (const Delivered& record : records) result.push_back(record.data);
  return result;
}

inline CreateOptions of_shards(std::uint32_t shards) {
  CreateOptions options;
  options.shards = shards;
  return options;
}

/// Closes a shard; two children with the next ids take over half of its keys each.
inline void split(Stream& stream, std::uint32_t shard) {
  const ShardMap map = stream.describe().map;
  const ShardId parent(shard);
  const HashRange range = map.find(parent)->range;
  const HashKey middle(range.first.value() + (range.last.value() - range.first.value()) / 2);
  const ShardId next = next_shard_id(map);
  const ReshardStep step{{parent},
                         {{next, {range.first, middle}, parent},
                          {ShardId(next.number() + 1), {HashKey(middle.value() + 1), range.last}, parent}}};
  ASSERT_TRUE(stream.resharding().apply(step, map.version()));
}

/// Closes two shards that are neighbours, in the order of their keys; a child with the next id takes over.
inline void merge(Stream& stream, std::uint32_t first, std::uint32_t second) {
  const ShardMap map = stream.describe().map;
  const HashRange range{map.find(ShardId(first))->range.first, map.find(ShardId(second))->range.last};
  const ReshardStep step{{ShardId(first), ShardId(second)},
                         {{next_shard_id(map), range, ShardId(first), ShardId(second)}}};
  ASSERT_TRUE(stream.resharding().apply(step, map.version()));
}

/// A stream in a directory of its own, under a clock that the test owns.
class StreamTest : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  void create(std::uint32_t shards = 1) { shardlog::create(path_, of_shards(shards), clock_); }

  /// Of less than 1 GiB: a stream that keeps all its payloads in the database, large ones too.
  void create_without_segments(std::uint32_t shards = 1) {
    CreateOptions options = of_shards(shards);
    options.settings.max_bytes = 1024 * mebibyte - 1;
    shardlog::create(path_, options, clock_);
  }

  std::unique_ptr<Stream> open(Access access, Duration timeout = std::chrono::seconds(20)) {
    return shardlog::open(path_, {access, timeout}, clock_);
  }
  std::unique_ptr<Stream> open_to_write() { return open(Access::write); }
  std::unique_ptr<Stream> open_to_read() { return open(Access::read); }

  /// One commit of one batch. The number of its first record.
  static std::string put(Stream& stream, std::uint32_t shard, const Lines& data, Sync sync = Sync::full) {
    const RoutedBatch batch = batch_of(shard, data);
    return append_all(stream, {&batch, 1}, sync).value().at(0).sequences[0].to_string();
  }

  static Lines findings(Stream& stream) {
    return stream.maintenance().verify([](double) { return true; }).findings;
  }

  Lines lines() { return data_of(read(*open_to_read())); }

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::size_t log_size() const {
    std::error_code absent;
    const auto size = std::filesystem::file_size(file("stream.db-wal"), absent);
    return absent ? 0 : size;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  std::string path_ = directory_.path() + "/orders";
};

}  // namespace shardlog::test
