#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/raw_database.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::append_all;
using test::mebibyte;

/// Batches that are large enough, once they are decompressed, for two threads to decode them.
class LargeCompressedBatches : public test::StreamTest {
 protected:
  static constexpr int count = 7;

  LargeCompressedBatches() {
    create();
    const auto writer = open_to_write();
    for (int i = 0; i < count; ++i) {
      const std::string data = std::to_string(i) + std::string(mebibyte / 2, 'x');
      const std::vector<Record> records{{data, std::nullopt}};
      const RoutedBatch batch{ShardId(0), encode(records, Compression::zstd)};
      EXPECT_LT(batch.batch.payload.size(), mebibyte / 8);
      EXPECT_TRUE(append_all(*writer, {&batch, 1}, Sync::normal));
    }
  }

  static std::string first_characters(const std::vector<test::Delivered>& records) {
    std::string all;
    for (const test::Delivered& record : records) all += record.data.front();
    return all;
  }
};

TEST_F(LargeCompressedBatches, KeepTheirOrder) {
  EXPECT_EQ(first_characters(test::read(*open_to_read(), {}, 100 * mebibyte)), "0123456");
  EXPECT_EQ(first_characters(test::read(*open_to_read(), {}, 1)), "0123456");
}

class DamageAmongLargeCompressedBatches : public LargeCompressedBatches, public testing::WithParamInterface<int> {};

TEST_P(DamageAmongLargeCompressedBatches, IsReportedAfterTheBatchesBeforeIt) {
  const std::string batch = std::to_string(GetParam() + 1);
  test::RawDatabase(path_).exec("UPDATE batches SET payload = zeroblob(length(payload)) WHERE id = " + batch);
  const auto stream = open_to_read();
  const auto reader = stream->read({});
  std::vector<test::Delivered> records;
  if (GetParam() > 0) {
    const ReadResult result = reader->next(100 * mebibyte);
    EXPECT_FALSE(result.at_end);
    test::add_to(records, result.batches);
  }
  EXPECT_EQ(first_characters(records), std::string("0123456").substr(0, static_cast<std::size_t>(GetParam())));
  EXPECT_EQ(test::refusal([&] { reader->next(100 * mebibyte); }), ErrorCode::corrupt);
}

INSTANTIATE_TEST_SUITE_P(Places, DamageAmongLargeCompressedBatches, testing::Range(0, 7));

}  // namespace
}  // namespace shardlog
