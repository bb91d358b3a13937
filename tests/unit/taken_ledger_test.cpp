#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/stream-get/pipe_delivery.h"

namespace shardlog::cli {
namespace {

/// "0:12 1:7": shards and their last records.
std::string taken(TakenLedger& ledger, std::uint64_t bytes) {
  std::string text;
  for (const consuming::Processed& processed : ledger.take(bytes)) {
    text += (text.empty() ? "" : " ") + std::to_string(processed.shard.number()) + ":" + processed.last.to_string();
  }
  return text;
}

void add(TakenLedger& ledger, std::uint64_t end, std::uint32_t shard, std::uint64_t sequence) {
  ledger.add(end, ShardId(shard), SequenceNumber(sequence));
}

TEST(TakenLedger, ARecordIsTakenWithItsLastByte) {
  TakenLedger ledger;
  add(ledger, 10, 0, 1);
  EXPECT_EQ(taken(ledger, 0), "");
  EXPECT_EQ(taken(ledger, 9), "");
  EXPECT_EQ(taken(ledger, 10), "0:1");
}

TEST(TakenLedger, ReturnsEachRecordOnce) {
  TakenLedger ledger;
  add(ledger, 10, 0, 1);
  EXPECT_EQ(taken(ledger, 100), "0:1");
  EXPECT_EQ(taken(ledger, 100), "");
}

TEST(TakenLedger, ReturnsTheLastRecordOfEachShard) {
  TakenLedger ledger;
  add(ledger, 2, 3, 8);
  add(ledger, 4, 1, 20);
  add(ledger, 6, 3, 9);
  add(ledger, 8, 3, 10);  // longer than 9, and more
  add(ledger, 10, 1, 21);
  EXPECT_EQ(taken(ledger, 9), "1:20 3:10");
  EXPECT_EQ(taken(ledger, 10), "1:21");
}

TEST(TakenLedger, ARecordWithoutBytesIsTakenWithWhatIsBeforeIt) {
  TakenLedger ledger;
  add(ledger, 0, 0, 1);
  add(ledger, 5, 0, 2);
  add(ledger, 5, 0, 3);
  EXPECT_EQ(taken(ledger, 4), "0:1");
  EXPECT_EQ(taken(ledger, 5), "0:3");
}

TEST(TakenLedger, GoesOnAfterWhatWasTaken) {
  TakenLedger ledger;
  EXPECT_EQ(taken(ledger, 0), "");
  add(ledger, 3, 0, 1);
  EXPECT_EQ(taken(ledger, 3), "0:1");
  add(ledger, 6, 0, 2);
  EXPECT_EQ(taken(ledger, 3), "");
  EXPECT_EQ(taken(ledger, 6), "0:2");
}

}  // namespace
}  // namespace shardlog::cli
