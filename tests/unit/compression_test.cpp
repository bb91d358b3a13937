#include "shardlog/core/compression.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/refusal.h"

namespace shardlog {
namespace {

using test::refusal;

const std::vector<Compression> methods{Compression::lz4, Compression::zstd};

std::string bytes(std::initializer_list<int> values) {
  std::string result;
  for (const int value : values) result += static_cast<char>(value);
  return result;
}

std::string decompressed(Compression compression, const std::string& from, std::size_t size) {
  return std::string(decompress(compression, from, size).view());
}

TEST(Compression, HasNames) {
  EXPECT_EQ(to_string(Compression::none), "none");
  EXPECT_EQ(to_string(Compression::lz4), "lz4");
  EXPECT_EQ(to_string(Compression::zstd), "zstd");
  EXPECT_EQ(parse_compression("none"), Compression::none);
  EXPECT_EQ(parse_compression("lz4"), Compression::lz4);
  EXPECT_EQ(parse_compression("zstd"), Compression::zstd);
  for (const char* name : {"", "LZ4", "zst", "gzip", "zstd "}) EXPECT_EQ(parse_compression(name), std::nullopt) << name;
}

// Written out from lz4_Block_format.md: a token with the numbers of literals and of matching bytes beyond 4, the
// literals, an offset, more of the match's length.
TEST(Compression, ReadsLz4Blocks) {
  EXPECT_EQ(decompressed(Compression::lz4, bytes({0x50, 'H', 'e', 'l', 'l', 'o'}), 5), "Hello");
  const std::string repeated = bytes({0x1f, 'a', 1, 0, 10, 0x50, 'b', 'c', 'd', 'e', 'f'});
  EXPECT_EQ(decompressed(Compression::lz4, repeated, 35), std::string(30, 'a') + "bcdef");
}

// Written out from RFC 8878: magic, a header of one segment with its size, a last block that is raw, or one byte
// repeated.
TEST(Compression, ReadsZstandardFrames) {
  const std::string raw = bytes({0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 5 << 3 | 0 << 1 | 1, 0, 0, 'H', 'e', 'l', 'l', 'o'});
  EXPECT_EQ(decompressed(Compression::zstd, raw, 5), "Hello");
  const std::string repeated = bytes({0x28, 0xb5, 0x2f, 0xfd, 0x20, 10, 10 << 3 | 1 << 1 | 1, 0, 0, 'a'});
  EXPECT_EQ(decompressed(Compression::zstd, repeated, 10), std::string(10, 'a'));
}

TEST(Compression, GivesBackWhatItTook) {
  for (const Compression method : methods) {
    for (const std::string& text : {std::string(), std::string("x"), std::string(100'000, 'x')}) {
      std::string room(text.size() + 1024, '\0');
      const auto size = compress(method, text, room.data(), room.size());
      ASSERT_TRUE(size.has_value());
      EXPECT_EQ(decompressed(method, room.substr(0, *size), text.size()), text);
    }
  }
}

TEST(Compression, ReportsThatTheRoomIsTooSmall) {
  const std::string text(100'000, 'x');
  for (const Compression method : methods) {
    std::string room(text.size(), '\0');
    const std::size_t size = compress(method, text, room.data(), room.size()).value();
    EXPECT_EQ(compress(method, text, room.data(), size - 1), std::nullopt);
    EXPECT_EQ(compress(method, text, room.data(), 0), std::nullopt);
  }
}

TEST(Compression, RefusesAnotherSizeThanItsOwn) {
  const std::string text = "a text that is long enough to be a text, a text, a text, a text, a text, a text, a text";
  for (const Compression method : methods) {
    std::string room(1024, '\0');
    room.resize(compress(method, text, room.data(), room.size()).value());
    for (const std::size_t size : {std::size_t{0}, text.size() - 1, text.size() + 1, std::size_t{1} << 20}) {
      EXPECT_EQ(refusal([&] { decompress(method, room, size); }), ErrorCode::corrupt) << size;
    }
    for (std::size_t cut = 0; cut < room.size(); ++cut) {
      EXPECT_EQ(refusal([&] { decompress(method, room.substr(0, cut), text.size()); }), ErrorCode::corrupt) << cut;
    }
    EXPECT_EQ(refusal([&] { decompress(method, room + "x", text.size()); }), ErrorCode::corrupt);
  }
}

}  // namespace
}  // namespace shardlog
