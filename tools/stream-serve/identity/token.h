#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shardlog::serve::identity {

/// Packs the values of a token that a client brings back later: numbers in big-endian order, texts with their length
/// before them.
class TokenWriter {
 public:
  void number(std::uint64_t value, std::size_t bytes);
  /// REQUIRES: at most 255 bytes
  void text(std::string_view text);

  /// The token in base64: the values, zeros up to `size` bytes, and a checksum. The checksum finds damaged tokens. It
  /// keeps no secret, and need not: a token lets its owner do nothing that the name of the stream does not.
  [[nodiscard]] std::string seal(std::size_t size);

 private:
  std::string bytes_;
};

/// Unpacks what a TokenWriter has packed. What is beyond the end is 0 or empty.
class TokenReader {
 public:
  /// Nullopt unless `token` is sealed, unchanged, in its only form.
  static std::optional<TokenReader> open(std::string_view token);

  std::uint64_t number(std::size_t bytes);
  std::string text();

 private:
  explicit TokenReader(std::string bytes) : bytes_(std::move(bytes)) {}

  std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace shardlog::serve::identity
