#include "shardlog/producing/covered.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/shards.h"

namespace shardlog::producing {
namespace {

const HashKey lowest(0);
const HashKey highest(~HashKey::Value(0));
constexpr std::uint32_t refused = 7;  // the index of the reason

/// One record a second, and ten bytes.
const capacity::Price price = capacity::price_of_writing({.write_records = 1, .write_bytes = 10});

class CoveredTest : public testing::Test {
 protected:
  /// Borrows the data.
  void add(std::string_view data, const HashKey& key) { packer_.add({data, "k", key}); }

  void keep(const capacity::Seconds& paid) {
    packer_.flush();
    packed_ = packer_.take();
    keep_covered(packed_, {{ShardId(0), {paid, refused}}}, price);
  }

  /// What is at each place; nullopt where the record was left out.
  std::vector<std::optional<std::string>> data() {
    std::vector<std::vector<std::string>> stored;
    for (RoutedBatch& batch : packed_.batches) {
      stored.emplace_back();
      std::uint64_t bytes = 0;
      const std::uint32_t count = batch.batch.record_count;
      const RecordBatch decoded = RecordBatch::decode(std::move(batch.batch.payload));
      for (const Record& record : decoded) {
        stored.back().emplace_back(record.data);
        bytes += record.size();
      }
      EXPECT_EQ(stored.back().size(), count);
      EXPECT_EQ(bytes, batch.batch.data_bytes);
    }
    std::vector<std::optional<std::string>> all;
    for (const Place& place : packed_.places) {
      if (place.batch != Place::not_packed) {
        all.emplace_back(stored.at(place.batch).at(place.index));
      } else {
        EXPECT_EQ(place.index, refused);
        all.emplace_back();
      }
    }
    return all;
  }

  using Data = std::vector<std::optional<std::string>>;

  static constexpr std::uint64_t most_bytes = 15;  // in a batch: one or two of these records
  Packer packer_{test::even_map(2), Compression::none, true, most_bytes};
  Packed packed_;
};

TEST_F(CoveredTest, AreTheFirstRecordsOfTheShard) {
  for (const char* const data : {"a", "b"}) {
    add(data, lowest);
    add(data, highest);
  }
  add("c", lowest);
  keep({2.5, 100});
  EXPECT_EQ(data(), (Data{"a", "a", "b", "b", std::nullopt}));
}

TEST_F(CoveredTest, AreCutInTheMiddleOfABatch) {
  for (const char* const data : {"a", "b", "c"}) add(data, lowest);
  keep({1, 100});
  EXPECT_EQ(packed_.batches.size(), 1U);
  EXPECT_EQ(data(), (Data{"a", std::nullopt, std::nullopt}));
}

TEST_F(CoveredTest, AreThoseWhoseBytesArePaidToo) {
  for (const char* const data : {"123456789", "123456789", "a"}) add(data, lowest);
  keep({100, 1.9});
  EXPECT_EQ(data(), (Data{"123456789", std::nullopt, std::nullopt})) << "nothing after the first that is left out";
  EXPECT_EQ(packed_.batches.size(), 1U);
}

TEST_F(CoveredTest, AreNoneIfNothingIsPaid) {
  add("a", lowest);
  add("b", highest);
  keep({});
  EXPECT_EQ(data(), (Data{std::nullopt, "b"}));
}

TEST_F(CoveredTest, AreAllIfAllIsPaid) {
  add("a", lowest);
  add("", lowest);
  keep({2, 0.3});
  EXPECT_EQ(data(), (Data{"a", ""}));
}

TEST_F(CoveredTest, RunsStayRuns) {
  add("a", lowest);
  packer_.add({"b", std::nullopt});
  packer_.flush();
  packed_ = packer_.take();
  ASSERT_EQ(packed_.runs, std::vector<std::size_t>{1});
  packed_.batches[1].shard = ShardId(1);
  keep_covered(packed_, {{ShardId(0), {{}, refused}}}, price);
  EXPECT_EQ(packed_.runs, std::vector<std::size_t>{0});
  EXPECT_EQ(data(), (Data{std::nullopt, "b"}));
}

}  // namespace
}  // namespace shardlog::producing
