#include "shardlog/metrics/measures.h"

#include <algorithm>
#include <array>
#include <limits>

#include "shardlog/core/error.h"
#include "shardlog/core/varint.h"

namespace shardlog::metrics {

namespace {

constexpr char form = 2;  // the first byte

/// The most that is counted, so that no sum of two overflows.
constexpr std::uint64_t most_counted = (std::uint64_t{1} << 61) - 1;

/// In an hour many shards may be split and merged, and consumers come and go.
constexpr std::uint64_t most_shards = 10UL * max_shards;
constexpr std::uint64_t most_readers = 10'000;

constexpr std::size_t longest_name = 64;  // of a reader: longer than any UUID

[[noreturn]] void refuse_measures(const char* reason) {
  throw Error(ErrorCode::corrupt, std::string("measures: ") + reason);
}

std::uint64_t take_count(std::string_view& in) {
  const std::uint64_t count = take_varint(in);
  if (count > most_counted) refuse_measures("an impossible count");
  return count;
}

void add(std::uint64_t& to, std::uint64_t count) {
  to = std::min(to + count, most_counted);
}

/// The counts of a shard, in the order in which they are stored.
template <typename Shard>
auto counts_of(Shard& shard) {
  return std::array{&shard.in, &shard.out, &shard.throttled, &shard.dropped, &shard.reads_throttled};
}

void encode_counts(std::string& out, const Counts& counts) {
  append_varint(out, counts.records);
  append_varint(out, counts.bytes);
  append_varint(out, counts.calls);
}

Counts decode_counts(std::string_view& in) {
  Counts counts;
  counts.records = take_count(in);
  counts.bytes = take_count(in);
  counts.calls = take_count(in);
  return counts;
}

/// Bits say which of the counts are not 0: for most shards one or two of them.
void encode_shard(std::string& out, const ShardCounts& shard) {
  const auto all = counts_of(shard);
  std::uint64_t present = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (*all[i] != Counts()) present |= std::uint64_t{1} << i;
  }
  append_varint(out, present);
  for (const Counts* const counts : all) {
    if (*counts != Counts()) encode_counts(out, *counts);
  }
}

ShardCounts decode_shard(std::string_view& in) {
  ShardCounts shard;
  const auto all = counts_of(shard);
  const std::uint64_t present = take_varint(in);
  if (present >> all.size() != 0) refuse_measures("an unknown kind of count");
  for (std::size_t i = 0; i < all.size(); ++i) {
    if ((present >> i & 1) != 0) *all[i] = decode_counts(in);
  }
  if (shard == ShardCounts()) refuse_measures("a shard without counts");
  return shard;
}

void encode_reader(std::string& out, const ReaderMeasures& reader) {
  encode_counts(out, reader.out);
  encode_counts(out, reader.throttled);
  reader.read.encode(out);
  reader.propagation.encode(out);
  reader.age.encode(out);
  append_varint(out, reader.skewed);
  append_varint(out, reader.processed);
}

ReaderMeasures decode_reader(std::string_view& in) {
  ReaderMeasures reader;
  reader.out = decode_counts(in);
  reader.throttled = decode_counts(in);
  reader.read = Histogram::decode(in);
  reader.propagation = Histogram::decode(in);
  reader.age = Histogram::decode(in);
  reader.skewed = take_count(in);
  reader.processed = take_count(in);
  return reader;
}

std::string take_name(std::string_view& in) {
  const std::uint64_t size = take_varint(in);
  if (size > longest_name || size > in.size()) refuse_measures("an impossible name");
  std::string name(in.substr(0, size));
  in.remove_prefix(size);
  return name;
}

void decode_shards(std::string_view& in, Measures& measures) {
  std::uint64_t least = 0;
  std::uint64_t left = take_varint(in);
  if (left > most_shards) refuse_measures("too many shards");
  for (; left > 0; --left) {
    constexpr std::uint64_t largest = std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t shard = least + std::min(take_varint(in), largest);
    if (shard > largest) refuse_measures("an impossible shard");
    measures.shards.emplace(ShardId(static_cast<std::uint32_t>(shard)), decode_shard(in));
    least = shard + 1;
  }
}

void decode_readers(std::string_view& in, Measures& measures) {
  std::uint64_t left = take_varint(in);
  if (left > most_readers) refuse_measures("too many readers");
  for (; left > 0; --left) {
    std::string name = take_name(in);
    if (!measures.readers.empty() && name <= measures.readers.rbegin()->first)
      refuse_measures("readers are not in order");
    measures.readers.emplace(std::move(name), decode_reader(in));
  }
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  add(records, other.records);
  add(bytes, other.bytes);
  add(calls, other.calls);
  return *this;
}

ShardCounts& ShardCounts::operator+=(const ShardCounts& other) {
  const auto from = counts_of(other);
  const auto to = counts_of(*this);
  for (std::size_t i = 0; i < to.size(); ++i) *to[i] += *from[i];
  return *this;
}

ReaderMeasures& ReaderMeasures::operator+=(const ReaderMeasures& other) {
  out += other.out;
  throttled += other.throttled;
  read.add(other.read);
  propagation.add(other.propagation);
  age.add(other.age);
  add(skewed, other.skewed);
  add(processed, other.processed);
  return *this;
}

Measures& Measures::operator+=(const Measures& other) {
  for (const auto& [shard, counts] : other.shards) shards[shard] += counts;
  put.add(other.put);
  for (const auto& [name, reader] : other.readers) readers[name] += reader;
  return *this;
}

bool Measures::is_storable() const {
  return shards.size() <= most_shards && readers.size() <= most_readers;
}

std::string Measures::encode() const {
  std::string out(1, form);
  const auto has_counts = [](const auto& shard) { return shard.second != ShardCounts(); };
  append_varint(out, static_cast<std::uint64_t>(std::count_if(shards.begin(), shards.end(), has_counts)));
  std::uint32_t least = 0;
  for (const auto& [shard, counts] : shards) {
    if (counts == ShardCounts()) continue;
    append_varint(out, shard.number() - least);
    encode_shard(out, counts);
    least = shard.number() + 1;
  }
  put.encode(out);
  append_varint(out, readers.size());
  for (const auto& [name, reader] : readers) {
    append_varint(out, name.size());
    out += name;
    encode_reader(out, reader);
  }
  return out;
}

Measures Measures::decode(std::string_view data) {
  if (data.empty() || data.front() != form) refuse_measures("an unknown form");
  data.remove_prefix(1);
  Measures measures;
  decode_shards(data, measures);
  measures.put = Histogram::decode(data);
  decode_readers(data, measures);
  if (!data.empty()) refuse_measures("something comes after the end");
  return measures;
}

}  // namespace shardlog::metrics
