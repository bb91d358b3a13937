#include "tools/stream-serve/identity/token.h"

#include <xxhash.h>

#include <algorithm>

#include "tools/common/base64.h"

namespace shardlog::serve::identity {

namespace {

constexpr std::size_t checksum_bytes = 8;

std::uint64_t checksum_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::optional<std::string> decode(std::string_view token) {
  std::string bytes(token.size() / 4 * 3, '\0');
  const auto size = cli::decode_base64(token, bytes.data());
  if (!size) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

}  // namespace

void TokenWriter::number(std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i > 0; --i) bytes_ += static_cast<char>(value >> (8 * (i - 1)));
}

void TokenWriter::text(std::string_view text) {
  number(text.size(), 1);
  bytes_ += text;
}

std::string TokenWriter::seal(std::size_t size) {
  if (size > bytes_.size() + checksum_bytes) bytes_.resize(size - checksum_bytes);
  number(checksum_of(bytes_), checksum_bytes);
  std::string token;
  cli::append_base64(token, bytes_);
  return token;
}

std::optional<TokenReader> TokenReader::open(std::string_view token) {
  auto bytes = decode(token);
  if (!bytes || bytes->size() < checksum_bytes) return std::nullopt;
  TokenReader checksum(bytes->substr(bytes->size() - checksum_bytes));
  bytes->resize(bytes->size() - checksum_bytes);
  if (checksum.number(checksum_bytes) != checksum_of(*bytes)) return std::nullopt;
  return TokenReader(std::move(*bytes));
}

std::uint64_t TokenReader::number(std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const unsigned char byte = at_ < bytes_.size() ? static_cast<unsigned char>(bytes_[at_++]) : 0;
    value = (value << 8) | byte;
  }
  return value;
}

std::string TokenReader::text() {
  const std::size_t size = std::min<std::size_t>(number(1), bytes_.size() - at_);
  std::string text = bytes_.substr(at_, size);
  at_ += size;
  return text;
}

}  // namespace shardlog::serve::identity
