#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "shardlog/core/record_batch.h"
#include "support/owned_record.h"
#include "support/payload_parts.h"
#include "support/refusal.h"

namespace shardlog {
namespace {

using test::decode;
using test::OwnedRecord;
using test::PayloadParts;
namespace column = test::column;

constexpr std::uint8_t lz4 = 1;
constexpr std::uint8_t zstd = 2;

/// One record "Hello", whose body is a column with the length and one with the data and a newline.
PayloadParts hello() {
  return {.columns = {{column::data_lengths, test::shared_length(5)}, {column::data, "Hello\n"}}};
}

// Both forms hold the body as it is, as their formats allow.
std::string as_lz4(const std::string& body) {
  return static_cast<char>(body.size() << 4) + body;
}

std::string as_zstd(const std::string& body) {
  return "\x28\xb5\x2f\xfd\x20" + std::string(1, static_cast<char>(body.size())) +
         std::string(1, static_cast<char>(body.size() << 3 | 1)) + std::string(2, '\0') + body;
}

const std::string hello_body = test::shared_length(5) + "Hello\n";

TEST(RecordBatchCompression, BodiesAreReadAsTheirCodecSays) {
  PayloadParts parts = hello();
  parts.codec = lz4;
  parts.stored_body = as_lz4(hello_body);
  EXPECT_EQ(test::own(decode(parts.sealed())), (std::vector<OwnedRecord>{{"Hello"}}));
  EXPECT_EQ(decode(parts.sealed()).compression(), Compression::lz4);
  parts.codec = zstd;
  parts.stored_body = as_zstd(hello_body);
  EXPECT_EQ(test::own(decode(parts.sealed())), (std::vector<OwnedRecord>{{"Hello"}}));
  EXPECT_EQ(decode(parts.sealed()).payload(), parts.sealed());
}

TEST(RecordBatchCompression, BodiesThatContradictTheHeaderAreRefused) {
  for (const std::uint8_t codec : {lz4, zstd}) {
    const auto stored = [codec](const std::string& body) { return codec == lz4 ? as_lz4(body) : as_zstd(body); };
    std::vector<PayloadParts> hostile(5, hello());
    hostile[0].stored_body = stored(hello_body.substr(1));
    hostile[1].stored_body = stored(hello_body + '\n');
    hostile[2].stored_body = hello_body;  // not compressed at all
    hostile[3].stored_body = "";
    hostile[4].stored_body = stored(hello_body);
    hostile[4].body_size = 48 * 1024 * 1024 + 1;
    for (std::size_t i = 0; i < hostile.size(); ++i) {
      hostile[i].codec = codec;
      EXPECT_EQ(test::refusal([&] { decode(hostile[i].sealed()); }), ErrorCode::corrupt) << i;
    }
  }
  PayloadParts plain = hello();
  plain.stored_body = hello_body.substr(0, hello_body.size() - 1);
  EXPECT_EQ(test::refusal([&] { decode(plain.sealed()); }), ErrorCode::corrupt);
}

std::size_t size_of(const std::string& data, Compression compression) {
  const std::vector<OwnedRecord> records{{data}};
  const EncodedBatch batch = encode(test::borrow(records), compression);
  EXPECT_EQ(test::own(decode(batch.payload.view())), records);
  return batch.payload.size();
}

TEST(RecordBatchCompression, IsKeptIfItSaves) {
  std::string noise(100'000, '\0');
  std::mt19937 random(1);
  for (char& byte : noise) byte = static_cast<char>(random());
  for (const Compression compression : {Compression::lz4, Compression::zstd}) {
    EXPECT_LT(size_of(std::string(100'000, 'x'), compression), 1000U);
    EXPECT_EQ(size_of(noise, compression), size_of(noise, Compression::none));
    // A tenth of it repeats, which saves less than an eighth.
    const std::string hardly = noise.substr(0, 90'000) + std::string(10'000, 'x');
    EXPECT_EQ(size_of(hardly, compression), size_of(hardly, Compression::none));
    const std::string some = noise.substr(0, 80'000) + std::string(20'000, 'x');
    EXPECT_LT(size_of(some, compression), 81'500U);
  }
}

TEST(RecordBatchCompression, SmallBodiesStayAsTheyAre) {
  constexpr std::size_t beside_data = 5 + 1;  // a shared length and a newline
  const std::string largest(1023 - beside_data, 'x');
  EXPECT_EQ(size_of(largest, Compression::zstd), size_of(largest, Compression::none));
  EXPECT_LT(size_of(largest + 'x', Compression::zstd), 200U);
}

}  // namespace
}  // namespace shardlog
