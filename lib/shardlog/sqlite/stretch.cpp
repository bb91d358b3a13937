#include "shardlog/sqlite/stretch.h"

#include <SQLiteCpp/Column.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/sqlite/schema.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::corrupt, reason);
}

std::int64_t checksum_of(std::int64_t last, std::string_view shards) {
  std::array<char, sizeof last> seed{};
  store(seed.data(), last);
  return static_cast<std::int64_t>(
      XXH3_64bits_withSeed(shards.data(), shards.size(), XXH3_64bits(seed.data(), seed.size())));
}

template <typename Number>
std::string encode_as(const std::vector<std::uint32_t>& shards) {
  std::string encoded(1 + shards.size() * sizeof(Number), static_cast<char>(sizeof(Number)));
  char* to = encoded.data() + 1;
  for (const std::uint32_t shard : shards) to = store(to, static_cast<Number>(shard));
  return encoded;
}

std::string encode(const std::vector<std::uint32_t>& shards) {
  const std::uint32_t largest = *std::max_element(shards.begin(), shards.end());
  if (largest <= std::numeric_limits<std::uint8_t>::max()) return encode_as<std::uint8_t>(shards);
  if (largest <= std::numeric_limits<std::uint16_t>::max()) return encode_as<std::uint16_t>(shards);
  return encode_as<std::uint32_t>(shards);
}

constexpr std::size_t block = 64;

/// Whether a number of a full block may be `shard`: its low bits are the same. The compiler compares several at a time.
template <typename Number>
bool may_hold(const char* from, std::uint32_t shard) {
  std::array<Number, block> numbers{};
  std::memcpy(numbers.data(), from, sizeof numbers);
  const auto wanted = static_cast<Number>(shard);
  Number equal = 0;
  for (const Number number : numbers) equal = static_cast<Number>(equal | static_cast<Number>(number == wanted));
  return equal != 0;
}

/// The batches whose numbers are among those wanted.
template <typename Number>
std::vector<std::int64_t> find(std::string_view numbers, std::span<const std::uint32_t> wanted, std::int64_t first) {
  std::vector<std::int64_t> found;
  const std::size_t size = numbers.size() / sizeof(Number);
  for (std::size_t begin = 0; begin < size; begin += block) {
    const char* const at = numbers.data() + begin * sizeof(Number);
    if (wanted.size() == 1 && begin + block <= size && !may_hold<Number>(at, wanted.front())) continue;
    for (std::size_t i = 0; i < std::min(block, size - begin); ++i) {
      const std::uint32_t shard = load<Number>(at + i * sizeof(Number));
      if (!std::binary_search(wanted.begin(), wanted.end(), shard)) continue;
      found.push_back(first + static_cast<std::int64_t>(begin + i));
    }
  }
  return found;
}

}  // namespace

Stretch::Stretch(std::int64_t last, const std::vector<std::uint32_t>& shards) : last_(last), encoded_(encode(shards)) {}

Stretch Stretch::decode(std::int64_t last, std::string encoded) {
  Stretch stretch;
  stretch.last_ = stored_number("last_batch", last, 1, most_counted);
  stretch.encoded_ = std::move(encoded);
  const std::size_t width = stretch.encoded_.empty() ? 0 : stretch.width();
  if (width != 1 && width != 2 && width != 4) refuse(fmt::format("numbers of {} bytes", width));
  if ((stretch.encoded_.size() - 1) % width != 0) refuse("cut off");
  stored_number("batches", static_cast<std::int64_t>(stretch.size()), 1, std::min(last, std::int64_t{most_batches}));
  return stretch;
}

std::uint32_t Stretch::shard_of(std::int64_t batch) const {
  const char* const at = encoded_.data() + 1 + static_cast<std::size_t>(batch - first()) * width();
  if (width() == 1) return load<std::uint8_t>(at);
  if (width() == 2) return load<std::uint16_t>(at);
  return load<std::uint32_t>(at);
}

std::vector<std::int64_t> Stretch::batches_of(std::span<const std::uint32_t> shards) const {
  const std::string_view numbers = std::string_view(encoded_).substr(1);
  if (width() == 1) return find<std::uint8_t>(numbers, shards, first());
  if (width() == 2) return find<std::uint16_t>(numbers, shards, first());
  return find<std::uint32_t>(numbers, shards, first());
}

Stretch read_stretch(SQLite::Statement& row) {
  const std::int64_t last = row.getColumn(0).getInt64();
  std::string encoded = row.getColumn(1).getString();
  try {
    if (row.getColumn(2).getInt64() != checksum_of(last, encoded)) refuse("checksum mismatch");
    return Stretch::decode(last, std::move(encoded));
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("shards of the batches up to {}: {}", last, error.what()));
  }
}

void write_stretch(SQLite::Database& database, const Stretch& stretch) {
  const std::string& encoded = stretch.encoded();
  SQLite::Statement insert(database, upsert_into("batch_shards"));
  insert.bind(1, stretch.last());
  insert.bindNoCopy(2, static_cast<const void*>(encoded.data()), static_cast<int>(encoded.size()));
  insert.bind(3, checksum_of(stretch.last(), encoded));
  insert.exec();
}

}  // namespace shardlog::sqlite
