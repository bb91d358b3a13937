#include "tools/stream-put/input_hash.h"

#include <xxhash.h>

#include <new>

#include "tools/input/framing.h"

namespace shardlog::cli {

namespace {

constexpr std::uint32_t hole = UINT32_MAX;  // no piece is so long

void store_digest(XXH3_state_s* state, char* to) {
  XXH128_canonical_t canonical{};
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  for (const unsigned char byte : canonical.digest) *to++ = static_cast<char>(byte);
}

}  // namespace

InputHash::InputHash() = default;

void InputHash::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

InputHash::State InputHash::make_state() {
  State state(XXH3_createState());
  if (state == nullptr || XXH3_128bits_reset(state.get()) != XXH_OK) throw std::bad_alloc();
  return state;
}

void InputHash::add(std::string_view lines, std::span<const std::uint32_t> lengths) {
  if (lengths.empty()) return;
  if (marked_) {
    add_mark_to(lengths.front());
    lengths = lengths.subspan(1);
  }
  XXH3_128bits_update(bytes_.get(), lines.data(), lines.size());
  add_lengths(lengths);
}

void InputHash::add(std::string_view piece) {
  const auto length = static_cast<std::uint32_t>(piece.size());
  if (marked_) {
    add_mark_to(length);
  } else {
    add_lengths({&length, 1});
  }
  XXH3_128bits_update(bytes_.get(), piece.data(), piece.size());
  XXH3_128bits_update(bytes_.get(), "\n", 1);
}

void InputHash::add_mark_to(std::uint32_t length) {
  marked_ = false;
  XXH3_128bits_update(bytes_.get(), utf8_mark.data(), utf8_mark.size());
  length += static_cast<std::uint32_t>(utf8_mark.size());
  add_lengths({&length, 1});
}

void InputHash::add_hole() {
  marked_ = false;
  add_lengths({&hole, 1});
}

void InputHash::add_lengths(std::span<const std::uint32_t> lengths) {
  XXH3_128bits_update(lengths_.get(), lengths.data(), lengths.size_bytes());
}

InputDigest InputHash::digest() const {
  std::array<char, 2 * sizeof(InputDigest)> both{};
  store_digest(bytes_.get(), both.data());
  store_digest(lengths_.get(), both.data() + sizeof(InputDigest));
  const State state = make_state();
  XXH3_128bits_update(state.get(), both.data(), both.size());
  InputDigest digest{};
  store_digest(state.get(), digest.data());
  return digest;
}

}  // namespace shardlog::cli
