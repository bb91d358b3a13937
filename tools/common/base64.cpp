#include "tools/common/base64.h"

#include <nettle/base64.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>

namespace shardlog::cli {

// The libraries take bytes as unsigned char; char may alias them.
// NOLINTBEGIN(*-reinterpret-cast)

void append_base64(std::string& to, std::string_view bytes) {
  const std::size_t start = to.size();
  to.resize(start + BASE64_ENCODE_RAW_LENGTH(bytes.size()));
  base64_encode_raw(to.data() + start, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

// OpenSSL takes a seventh of the time that nettle takes. But it skips white space at both ends, and takes "=" for a
// digit of the value 0, wherever it is.
std::optional<std::size_t> decode_base64(std::string_view text, char* to) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.size() - std::min(text.size(), text.find('='));
  if (padding > 2 || (padding == 2 && text.back() != '=')) return std::nullopt;
  const std::size_t size = text.size() / 4 * 3;
  const int decoded =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(to), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (decoded < 0 || static_cast<std::size_t>(decoded) != size) return std::nullopt;
  if (padding > 0 && to[size - padding] != 0) return std::nullopt;
  return size - padding;
}

// NOLINTEND(*-reinterpret-cast)

}  // namespace shardlog::cli
