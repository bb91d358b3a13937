#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shardlog/core/record_batch.h"
#include "support/inspect.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

// Bytes that are not the ones that were written.
namespace shardlog {
namespace {

using test::decode;
using test::OwnedRecord;
using test::refusal;

/// Payloads with every column and with as few as there can be.
std::vector<std::string> small_payloads() {
  const std::vector<OwnedRecord> rich{{"a", "k1"}, {"\n", std::nullopt, HashKey(256)}, {"", "é", max_hash_key}};
  const std::vector<OwnedRecord> plain{{"ab"}, {""}};
  return {std::string(encode(test::borrow(rich)).payload.view()),
          std::string(encode(test::borrow(plain)).payload.view())};
}

TEST(RecordBatchDamage, Undamaged) {
  for (const std::string& payload : small_payloads()) EXPECT_TRUE(test::hangs_together(decode(payload)));
}

TEST(RecordBatchDamage, CutOffAtEveryLength) {
  for (const std::string& payload : small_payloads()) {
    for (std::size_t size = 0; size < payload.size(); ++size) {
      EXPECT_EQ(refusal([&] { decode(payload.substr(0, size)); }), ErrorCode::corrupt) << size;
    }
  }
}

TEST(RecordBatchDamage, CutOffAtEveryLengthWithAGoodChecksum) {
  for (const std::string& payload : small_payloads()) {
    for (std::size_t size = 32; size < payload.size(); ++size) {
      std::string cut = payload.substr(0, size);
      test::seal(cut);
      EXPECT_EQ(refusal([&] { decode(cut); }), ErrorCode::corrupt) << size;
    }
  }
}

TEST(RecordBatchDamage, BytesAfterTheEnd) {
  for (const std::string& payload : small_payloads()) {
    std::string longer = payload + '\0';
    EXPECT_EQ(refusal([&] { decode(longer); }), ErrorCode::corrupt);
    test::seal(longer);
    EXPECT_EQ(refusal([&] { decode(longer); }), ErrorCode::corrupt);
  }
}

TEST(RecordBatchDamage, EveryByteFlipped) {
  for (const std::string& payload : small_payloads()) {
    for (std::size_t at = 0; at < payload.size(); ++at) {
      for (unsigned change = 1; change < 256; ++change) {
        std::string damaged = payload;
        damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ change);
        ASSERT_EQ(refusal([&] { decode(damaged); }), ErrorCode::corrupt) << "byte " << at << " ^ " << change;
      }
    }
  }
}

TEST(RecordBatchDamage, WrongMagicWithAGoodChecksum) {
  for (std::string payload : small_payloads()) {
    payload[3] = 'b';
    test::seal(payload);
    EXPECT_EQ(refusal([&] { decode(payload); }), ErrorCode::corrupt);
  }
}

TEST(RecordBatchDamage, OnlyZeros) {
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 4096U}) {
    EXPECT_EQ(refusal([&] { decode(std::string(size, '\0')); }), ErrorCode::corrupt) << size;
  }
}

// Nobody but an attacker writes these: some are batches, but none may lead out of its bounds.
TEST(RecordBatchDamage, EveryByteFlippedWithAGoodChecksumStaysInBounds) {
  int decoded = 0;
  int refused = 0;
  for (const std::string& payload : small_payloads()) {
    for (std::size_t at = 0; at < payload.size(); ++at) {
      for (unsigned change = 1; change < 256; ++change) {
        std::string damaged = payload;
        damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ change);
        test::seal(damaged);
        const auto code = refusal([&] { ASSERT_TRUE(test::hangs_together(decode(damaged))) << "byte " << at; });
        ASSERT_TRUE(!code || code == ErrorCode::corrupt || code == ErrorCode::unsupported)
            << "byte " << at << " ^ " << change;
        ++(code ? refused : decoded);
      }
    }
  }
  EXPECT_GT(decoded, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace shardlog
