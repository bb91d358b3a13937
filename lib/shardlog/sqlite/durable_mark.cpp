#include "shardlog/sqlite/durable_mark.h"

#include <xxhash.h>

#include <algorithm>
#include <string_view>
#include <tuple>

#include "shardlog/core/little_endian.h"

namespace shardlog::sqlite {

namespace {

constexpr std::string_view magic = "shlgmark";
constexpr std::size_t checked_size = std::tuple_size_v<DurableMarkBytes> - sizeof(std::uint64_t);

std::uint64_t checksum_of(const DurableMarkBytes& bytes, const std::string& stream_uuid) {
  return XXH3_64bits_withSeed(bytes.data(), checked_size, XXH3_64bits(stream_uuid.data(), stream_uuid.size()));
}

}  // namespace

DurableMarkBytes encode(const DurableMark& mark, const std::string& stream_uuid) {
  DurableMarkBytes bytes{};
  char* const numbers = std::copy(magic.begin(), magic.end(), bytes.data());
  char* const checksum = store(store(numbers, mark.batch), mark.numbers);
  store(checksum, checksum_of(bytes, stream_uuid));
  return bytes;
}

std::optional<DurableMark> decode(const DurableMarkBytes& bytes, const std::string& stream_uuid) {
  if (!std::equal(magic.begin(), magic.end(), bytes.data())) return std::nullopt;
  if (load<std::uint64_t>(bytes.data() + checked_size) != checksum_of(bytes, stream_uuid)) return std::nullopt;
  const char* const numbers = bytes.data() + magic.size();
  return DurableMark{load<std::int64_t>(numbers), load<std::int64_t>(numbers + sizeof(std::int64_t))};
}

}  // namespace shardlog::sqlite
