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
  const SystemClock clock_;
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

}  // namespace
}  // namespace shardlog::cli
