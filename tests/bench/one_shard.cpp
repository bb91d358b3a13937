// Reading one shard of many through the library, in one process: `one_shard STREAM WHAT`, where WHAT is one of
//
//     make    makes the stream: 1,000 shards, 300,000 batches of them in turn, and half a stretch of the index after
//     these;
//             each batch has 20 records of 100 bytes, compressed as is the default
//     all     reads it 10 times, by one reader of all shards
//     each    reads it once, by 1,000 readers of one shard each, one after the other
//     one     reads one shard 100 times
//     page    reads one batch from the middle of one shard 1,000 times

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/engines.h"

namespace {

using namespace shardlog;

constexpr std::uint32_t shards = 1'000;
constexpr std::uint32_t rounds = 300;
constexpr std::size_t records_a_batch = 20;
constexpr std::size_t all_records = records_a_batch * (std::size_t{shards} * rounds + shards / 2);
constexpr std::size_t budget = 1024UL * 1024;

/// Lines of half text and half numbers, so that they can be compressed as logs can.
std::string line() {
  static std::mt19937_64 random;  // NOLINT(*-msc51-cpp): the same in every run
  std::string line = "time=2026-11-23T10:15:30Z level=info request=";
  while (line.size() < 95) line += std::to_string(random());
  return line.substr(0, 95) + " done";
}

std::vector<Record> records() {
  static std::array<std::string, records_a_batch> lines;
  std::vector<Record> records;
  for (std::string& each : lines) {
    each = line();
    records.push_back({each, std::nullopt});
  }
  return records;
}

void put(Stream& stream, std::uint32_t count) {
  const Compression compression = stream.describe().settings.compression;
  std::vector<RoutedBatch> batches;
  for (std::uint32_t shard = 0; shard < count; ++shard) {
    batches.push_back({ShardId(shard), encode(records(), compression)});
  }
  stream.append({batches, Sync::normal, {}});
}

void make(const char* name, const Clock& clock) {
  CreateOptions options;
  options.shards = shards;
  create(name, options, clock);
  const auto stream = open(name, {Access::write}, clock);
  for (std::uint32_t round = 0; round < rounds; ++round) put(*stream, shards);
  put(*stream, shards / 2);
}

/// How many records there are.
std::size_t read(Stream& stream, const ReadRequest& request) {
  const auto reader = stream.read(request);
  std::size_t records = 0;
  while (true) {
    const ReadResult result = reader->next(budget);
    for (const StoredBatch& batch : result.batches) records += batch.count;
    if (result.at_end) return records;
  }
}

ReadRequest of(std::uint32_t shard) {
  ReadRequest request;
  request.shards = {ShardId(shard)};
  return request;
}

std::size_t read_each(Stream& stream) {
  std::size_t records = 0;
  for (std::uint32_t shard = 0; shard < shards; ++shard) records += read(stream, of(shard));
  return records;
}

std::size_t read_page(Stream& stream) {
  ReadRequest request = of(shards / 2);
  request.from = AtSequence{SequenceNumber(records_a_batch * rounds / 2 + 1)};
  return stream.read(request)->next(1).batches.at(0).count;
}

/// Whether each of so many runs reads so many records.
bool all_read(int times, std::size_t expected, const std::function<std::size_t()>& read_some) {
  for (int i = 0; i < times; ++i) {
    if (read_some() != expected) return false;
  }
  return true;
}

bool run(const char* name, std::string_view what, const Clock& clock) {
  if (what == "make") {
    make(name, clock);
    return true;
  }
  const auto stream = open(name, {Access::read}, clock);
  if (what == "all") return all_read(10, all_records, [&] { return read(*stream, {}); });
  if (what == "each") return all_read(1, all_records, [&] { return read_each(*stream); });
  if (what == "one") return all_read(100, records_a_batch * rounds, [&] { return read(*stream, of(shards - 1)); });
  return what == "page" && all_read(1'000, records_a_batch, [&] { return read_page(*stream); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const SystemClock clock;
  return run(argv[1], argv[2], clock) ? 0 : 1;
}
