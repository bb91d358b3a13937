#include "shardlog/core/hash_key.h"

#include <fmt/format.h>
#include <nettle/md5.h>

namespace shardlog {

HashKey HashKey::of(std::string_view partition_key) {
  md5_ctx context{};
  md5_init(&context);
  // nettle takes bytes as uint8_t; char may alias them.
  md5_update(&context, partition_key.size(),
             reinterpret_cast<const std::uint8_t*>(partition_key.data()));  // NOLINT(*-reinterpret-cast)
  Bytes digest{};
  md5_digest(&context, digest.size(), digest.data());
  return from_bytes(digest);
}

HashKey HashKey::from_bytes(const Bytes& bytes) {
  Value value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return HashKey(value);
}

std::optional<HashKey> HashKey::parse(std::string_view decimal) {
  if (decimal.empty() || (decimal.size() > 1 && decimal.front() == '0')) return std::nullopt;
  Value value = 0;
  for (const char c : decimal) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<Value>(c - '0');
    if (value > (max_hash_key.value() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return HashKey(value);
}

HashKey::Bytes HashKey::bytes() const {
  Bytes result{};
  Value rest = value();
  for (auto byte = result.rbegin(); byte != result.rend(); ++byte, rest >>= 8) {
    *byte = static_cast<unsigned char>(rest & 0xff);
  }
  return result;
}

std::string HashKey::to_string() const {
  return fmt::format("{}", value());
}

}  // namespace shardlog
