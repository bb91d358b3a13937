#include "shardlog/core/hash_key.h"

#include <gtest/gtest.h>

#include <string>

namespace shardlog {
namespace {

std::string hex(const HashKey::Bytes& bytes) {
  const std::string digits = "0123456789abcdef";
  std::string result;
  for (const unsigned char byte : bytes) {
    result += digits[byte / 16U];
    result += digits[byte % 16U];
  }
  return result;
}

struct Md5Vector {
  std::string text;
  std::string digest;
};

// RFC 1321, appendix A.5.
const Md5Vector rfc1321_vectors[] = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

TEST(HashKey, OfAKeyIsItsMd5) {
  for (const Md5Vector& vector : rfc1321_vectors) EXPECT_EQ(hex(HashKey::of(vector.text).bytes()), vector.digest);
}

// python3: int(hashlib.md5(b"a").hexdigest(), 16)
TEST(HashKey, OfAKeyIsABigEndianNumber) {
  EXPECT_EQ(HashKey::of("a").to_string(), "16955237001963240173058271559858726497");
  EXPECT_EQ(HashKey::of("abc").to_string(), "191415658344158766168031473277922803570");
}

TEST(HashKey, FirstByteIsTheMostSignificant) {
  HashKey::Bytes bytes{};
  bytes.front() = 0x80;  // 2^127
  EXPECT_EQ(HashKey::from_bytes(bytes).to_string(), "170141183460469231731687303715884105728");
  EXPECT_EQ(HashKey::from_bytes(bytes).bytes(), bytes);
}

TEST(HashKey, LastByteIsTheLeastSignificant) {
  HashKey::Bytes bytes{};
  bytes.back() = 200;
  EXPECT_EQ(HashKey::from_bytes(bytes).to_string(), "200");
  EXPECT_EQ(HashKey::from_bytes(bytes).bytes(), bytes);
}

TEST(HashKey, ParsesTheSmallest) {
  EXPECT_EQ(HashKey::parse("0"), HashKey());
}

TEST(HashKey, ParsesTheLargest) {
  EXPECT_EQ(HashKey::parse("340282366920938463463374607431768211455"), max_hash_key);
}

TEST(HashKey, RefusesOneOverTheLargest) {
  EXPECT_EQ(HashKey::parse("340282366920938463463374607431768211456"), std::nullopt);
}

TEST(HashKey, RefusesNumbersFarOverTheLargest) {
  EXPECT_EQ(HashKey::parse("340282366920938463463374607431768211460"), std::nullopt);
  EXPECT_EQ(HashKey::parse("999999999999999999999999999999999999999"), std::nullopt);
  EXPECT_EQ(HashKey::parse("1000000000000000000000000000000000000000"), std::nullopt);
  EXPECT_EQ(HashKey::parse(std::string(1000, '9')), std::nullopt);
}

TEST(HashKey, RefusesTextsThatAreNotDecimalNumbers) {
  for (const char* text : {"", " ", "-", "-0", "-1", "+1", " 1", "1 ", "1\n", "1.0", "1e3", "0x10", "a", "1a", "１"}) {
    EXPECT_EQ(HashKey::parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(HashKey::parse(std::string_view("1\0", 2)), std::nullopt);
}

TEST(HashKey, RefusesLeadingZeros) {
  EXPECT_EQ(HashKey::parse("00"), std::nullopt);
  EXPECT_EQ(HashKey::parse("01"), std::nullopt);
}

TEST(HashKey, PrintsTheSmallestAndTheLargest) {
  EXPECT_EQ(HashKey().to_string(), "0");
  EXPECT_EQ(max_hash_key.to_string(), "340282366920938463463374607431768211455");
}

TEST(HashKey, ComparesAsANumber) {
  EXPECT_LT(HashKey(9), HashKey(10));
  EXPECT_LT(HashKey(~std::uint64_t{0}), HashKey(HashKey::Value{1} << 64));
  EXPECT_LT(HashKey(max_hash_key.value() - 1), max_hash_key);
}

TEST(HashRange, HoldsBothItsEnds) {
  const HashRange range{HashKey(10), HashKey(20)};
  EXPECT_FALSE(range.contains(HashKey(9)));
  EXPECT_TRUE(range.contains(HashKey(10)));
  EXPECT_TRUE(range.contains(HashKey(20)));
  EXPECT_FALSE(range.contains(HashKey(21)));
}

TEST(HashRange, OfOneKey) {
  const HashRange range{max_hash_key, max_hash_key};
  EXPECT_FALSE(range.contains(HashKey(max_hash_key.value() - 1)));
  EXPECT_TRUE(range.contains(max_hash_key));
}

}  // namespace
}  // namespace shardlog
