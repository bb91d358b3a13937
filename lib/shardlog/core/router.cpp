#include "shardlog/core/router.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "shardlog/core/little_endian.h"

namespace shardlog {

namespace {

constexpr std::size_t least_slots = 64;
constexpr std::size_t most_slots = 1UL << 16;          // 512 KiB
constexpr std::size_t most_bytes = 2UL * 1024 * 1024;  // of keys and what is kept of each
constexpr std::size_t number_size = sizeof(std::uint32_t);

std::uint64_t hash_of(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

bool is_full(std::size_t used, std::size_t slots) {
  return 4 * used >= 3 * slots;
}

}  // namespace

std::optional<std::size_t> KeyMemory::find(std::string_view key) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_for(hash_of(key), key)];
  if (slot.place == 0) return std::nullopt;
  return load<std::uint32_t>(keys_.data() + slot.place - 1);
}

void KeyMemory::add(std::string_view key, std::size_t number) {
  make_room(key.size());
  const std::uint64_t hash = hash_of(key);
  const std::size_t place = keys_.size() + 1;
  slots_[slot_for(hash, key)] = {static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(place)};
  keys_.resize(keys_.size() + 2 * number_size);
  char* const size = store(keys_.data() + place - 1, static_cast<std::uint32_t>(number));
  store(size, static_cast<std::uint32_t>(key.size()));
  keys_ += key;
  ++used_;
}

std::string_view KeyMemory::key_at(const Slot& slot) const {
  const char* const size = keys_.data() + slot.place - 1 + number_size;
  return {size + number_size, load<std::uint32_t>(size)};
}

/// The slot of the key, or the free one that it would get. The high half of the hash says where to look first, so that
/// the low half tells apart those that begin there.
std::size_t KeyMemory::slot_for(std::uint64_t hash, std::string_view key) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (hash >> 32) & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.place == 0 || (slot.hash == static_cast<std::uint32_t>(hash) && key_at(slot) == key)) return at;
  }
}

/// Forgets everything if the memory is used up, and doubles the table if it is nearly full.
void KeyMemory::make_room(std::size_t key_size) {
  if (is_full(used_, most_slots) || keys_.size() + 2 * number_size + key_size > most_bytes) *this = {};
  if (!is_full(used_, slots_.size())) return;
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::max(least_slots, 2 * slots_.size())));
  for (const Slot& slot : old) {
    if (slot.place == 0) continue;
    const std::string_view key = key_at(slot);
    slots_[slot_for(hash_of(key), key)] = slot;
  }
}

Router::Router(ShardMap map, std::uint64_t turn)
    : map_(std::move(map)), dealt_(map_.open_shards().size()), turn_(static_cast<std::size_t>(turn % dealt_.size())) {}

std::size_t Router::index_of(std::string_view key) {
  if (const auto seen = seen_.find(key)) return *seen;
  const std::size_t index = map_.open_index_of(HashKey::of(key));
  seen_.add(key, index);
  return index;
}

std::size_t Router::deal(std::uint64_t size) {
  const auto turn = dealt_.begin() + static_cast<std::ptrdiff_t>(turn_);
  auto least = std::min_element(turn, dealt_.end());
  const auto least_before = std::min_element(dealt_.begin(), turn);
  if (least_before != turn && *least_before < *least) least = least_before;
  *least += size;
  const auto index = static_cast<std::size_t>(least - dealt_.begin());
  turn_ = (index + 1) % dealt_.size();
  return index;
}

}  // namespace shardlog
