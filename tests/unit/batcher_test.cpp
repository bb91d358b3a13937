#include "tools/stream-put/batcher.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/shards.h"

namespace shardlog::cli {
namespace {

Chunk chunk_of(std::string_view lines) {
  Chunk chunk;
  Input& input = chunk.input;
  input.buffer = Bytes(lines.size() + 64);
  std::memcpy(input.buffer.data(), lines.data(), lines.size());
  input.complete = lines.size();
  for (std::size_t start = 0; start < lines.size();) {
    const std::size_t end = lines.find('\n', start);
    input.lengths.push_back(static_cast<std::uint32_t>(end - start));
    start = end + 1;
  }
  return chunk;
}

class BatcherTest : public testing::Test {
 protected:
  SystemClock clock_;
  const ShardMap map_{1, test::open_shards(even_ranges(1))};
  const StreamDescription stream_{"uuid", 1, Timestamp(), StreamSettings(), map_};
  PutCommand command_;
};

TEST_F(BatcherTest, DoesNothingAfterAHandOverWasRefused) {
  Batcher batcher(stream_, command_, max_batch_records, ExactlyOnce("nightly", Framing::Kind::delimited, {}), clock_);
  int handed_over = 0;
  const auto refuse = [&](const Encoded&) {
    ++handed_over;
    return false;
  };
  EXPECT_FALSE(batcher.encode(chunk_of("a\n"), refuse));
  const int before = handed_over;
  EXPECT_FALSE(batcher.encode(chunk_of("b\nc\n"), refuse)) << "chunks may still be queued";
  EXPECT_EQ(handed_over, before);
}

/// "microseconds:records" of each time at which records were read; a new line for each hand-over.
std::string reads_of(Batcher& batcher, Chunk chunk) {
  std::string text;
  batcher.encode(std::move(chunk), [&text](const Encoded& encoded) {
    for (const ReadAt& read : encoded.reads) {
      text += std::to_string(read.at.count()) + ":" + std::to_string(read.pieces) + " ";
    }
    text += "\n";
    return true;
  });
  return text;
}

TEST_F(BatcherTest, TellsWhenItsRecordsWereRead) {
  Chunk chunk = chunk_of("a\nb\nc\nd\ne\nf\n");
  chunk.reads = {{Duration(10), 1}, {Duration(20), 3}, {Duration(30), 2}};
  Batcher whole(stream_, command_, max_batch_records, std::nullopt, clock_);
  EXPECT_EQ(reads_of(whole, std::move(chunk)), "10:1 20:3 30:2 \n");
}

TEST_F(BatcherTest, TellsOfEachPartWhenItsRecordsWereRead) {
  for (const bool with_key : {false, true}) {
    SCOPED_TRACE(with_key);
    Chunk chunk = chunk_of("a\nb\nc\nd\ne\nf\n");
    chunk.reads = {{Duration(10), 1}, {Duration(20), 3}, {Duration(30), 2}};
    if (with_key) command_.key.constant = "k";
    Batcher parts(stream_, command_, 2, std::nullopt, clock_);
    const std::string reads = reads_of(parts, std::move(chunk));
    EXPECT_EQ(reads.substr(0, reads.find_last_not_of('\n')), "10:1 20:1 \n20:2 \n30:2");
  }
}

TEST_F(BatcherTest, TellsNothingOfRecordsThatAreLeftOut) {
  Chunk chunk = chunk_of("a\n\xff\n");
  chunk.reads = {{Duration(10), 1}, {Duration(20), 1}};
  command_.sample_percent = 1e-9;
  Batcher batcher(stream_, command_, max_batch_records, std::nullopt, clock_);
  EXPECT_EQ(reads_of(batcher, std::move(chunk)), "\n");
}

/// The positions that come with each hand-over, "shard:sequence".
std::string moves_of(Batcher& batcher, Chunk chunk) {
  std::string text;
  batcher.encode(std::move(chunk), [&text](const Encoded& encoded) {
    text += std::to_string(encoded.records) + " records";
    for (const auto& [source, position] : encoded.moves) text += " " + source + ":" + position.sequence.to_string();
    text += "\n";
    return true;
  });
  return text;
}

TEST_F(BatcherTest, MovesOnlyAsManySourcesAtOnceAsTheStreamCan) {
  const std::string_view mirror =
      "{\"data\":\"a\",\"shard\":\"shardId-000000000000\",\"sequence\":\"1\"}\n"
      "{\"data\":\"b\",\"shard\":\"shardId-000000000000\",\"sequence\":\"2\"}\n"
      "{\"data\":\"c\",\"shard\":\"shardId-000000000001\",\"sequence\":\"1\"}\n"
      "{\"data\":\"d\",\"shard\":\"shardId-000000000000\",\"sequence\":\"3\"}\n";
  command_.framing.kind = Framing::Kind::json;
  command_.producer = "p";
  const auto encode_with = [&] {
    Batcher batcher(stream_, command_, max_batch_records, ExactlyOnce("p", Framing::Kind::json, {}), clock_);
    return moves_of(batcher, chunk_of(mirror));
  };
  EXPECT_EQ(encode_with(), "4 records shardId-000000000000:3 shardId-000000000001:1\n");
  command_.sources_per_append = 1;
  EXPECT_EQ(encode_with(),
            "2 records shardId-000000000000:2\n1 records shardId-000000000001:1\n1 records shardId-000000000000:3\n");
}

}  // namespace
}  // namespace shardlog::cli
