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

/// Calls `work` with a number of that width.
template <typename Work>
auto with_number(std::size_t width, const Work& work) {
  if (width == sizeof(std::uint8_t)) return work(std::uint8_t{});
  if (width == sizeof(std::uint16_t)) return work(std::uint16_t{});
  return work(std::uint32_t{});
}

std::size_t width_for(std::uint32_t largest) {
  if (largest <= std::numeric_limits<std::uint8_t>::max()) return sizeof(std::uint8_t);
  return largest <= std::numeric_limits<std::uint16_t>::max() ? sizeof(std::uint16_t) : sizeof(std::uint32_t);
}

std::string encode(const std::vector<std::uint32_t>& shards) {
  const std::size_t width = width_for(*std::max_element(shards.begin(), shards.end()));
  std::string encoded(1 + shards.size() * width, static_cast<char>(width));
  with_number(width, [&](auto number) {
    char* to = encoded.data() + 1;
    for (const std::uint32_t shard : shards) to = store(to, static_cast<decltype(number)>(shard));
  });
  return encoded;
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

/// Calls `found` with the index of each number that is among those wanted.
template <typename Number, typename Found>
void find(std::string_view numbers, std::span<const std::uint32_t> wanted, const Found& found) {
  const std::size_t size = numbers.size() / sizeof(Number);
  const bool is_single = wanted.size() == 1;
  for (std::size_t begin = 0; begin < size; begin += block) {
    const char* const at = numbers.data() + begin * sizeof(Number);
    if (is_single && begin + block <= size && !may_hold<Number>(at, wanted.front())) continue;
    for (std::size_t i = 0; i < std::min(block, size - begin); ++i) {
      const std::uint32_t shard = load<Number>(at + i * sizeof(Number));
      const bool is_wanted =
          is_single ? shard == wanted.front() : std::binary_search(wanted.begin(), wanted.end(), shard);
      if (is_wanted) found(begin + i);
    }
  }
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
  return with_number(width(), [at](auto number) -> std::uint32_t { return load<decltype(number)>(at); });
}

std::vector<std::int64_t> Stretch::batches_of(std::span<const std::uint32_t> shards) const {
  std::vector<std::int64_t> batches;
  with_number(width(), [&](auto number) {
    find<decltype(number)>(std::string_view(encoded_).substr(1), shards,
                           [&](std::size_t index) { batches.push_back(first() + static_cast<std::int64_t>(index)); });
  });
  return batches;
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

void write_stretch(Database& database, const Stretch& stretch) {
  const std::string& encoded = stretch.encoded();
  Prepared insert(database, upsert_into("batch_shards"));
  insert.bind(1, stretch.last());
  insert.bindNoCopy(2, static_cast<const void*>(encoded.data()), static_cast<int>(encoded.size()));
  insert.bind(3, checksum_of(stretch.last(), encoded));
  insert.exec();
}

}  // namespace shardlog::sqlite
