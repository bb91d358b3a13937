#include "tools/stream-put/counted_input.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <new>
#include <numeric>

#include "shardlog/core/little_endian.h"
#include "tools/input/framing.h"

namespace shardlog::cli {

namespace {

constexpr std::uint32_t hole = UINT32_MAX;  // no piece is as long as that

constexpr char version = 1;  // the first byte of a proof; then each entry's position and digest
constexpr std::size_t entry_size = sizeof(std::uint64_t) + sizeof(InputDigest);
static_assert(1 + Trail::most_entries * entry_size <= 4096);

void store_digest(XXH3_state_s* state, char* to) {
  XXH128_canonical_t canonical{};
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  std::ranges::copy(canonical.digest, to);
}

}  // namespace

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
    marked_ = false;
    XXH3_128bits_update(bytes_.get(), utf8_mark.data(), utf8_mark.size());
    const auto length = static_cast<std::uint32_t>(lengths.front() + utf8_mark.size());
    add_lengths({&length, 1});
    lengths = lengths.subspan(1);
  }
  XXH3_128bits_update(bytes_.get(), lines.data(), lines.size());
  add_lengths(lengths);
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

void Trail::add(const Entry& entry) {
  entries_.push_back(entry);
  std::vector<Entry> kept;  // the last one first
  for (std::size_t i = entries_.size(); i-- > 0;) {
    const std::uint64_t before = i == 0 ? 0 : entries_[i - 1].position;
    // An entry may go if the stretch between its neighbours is then no longer than what comes after them.
    if (kept.empty() || kept.back().position - before > entry.position - kept.back().position) {
      kept.push_back(entries_[i]);
    }
  }
  entries_.assign(kept.rbegin(), kept.rend());
}

std::string Trail::to_proof() const {
  std::string proof(1 + entries_.size() * entry_size, version);
  char* to = proof.data() + 1;
  for (const Entry& entry : entries_) {
    to = store(to, entry.position);
    to = std::ranges::copy(entry.digest, to).out;
  }
  return proof;
}

Trail Trail::of_proof(std::string_view proof) {
  const Error damaged(ErrorCode::corrupt, "the stored proof of its input is damaged");
  if (proof.empty() || (proof.size() - 1) % entry_size != 0) throw damaged;
  if (proof.front() != version)
    throw Error(ErrorCode::unsupported, "a newer version stored the proof of its input: use a newer shardlog");
  Trail trail;
  for (proof.remove_prefix(1); !proof.empty(); proof.remove_prefix(entry_size)) {
    Entry entry{load<std::uint64_t>(proof.data()), {}};
    std::copy_n(proof.begin() + sizeof entry.position, entry.digest.size(), entry.digest.begin());
    if (entry.position <= (trail.entries_.empty() ? 0 : trail.entries_.back().position)) throw damaged;
    trail.entries_.push_back(entry);
  }
  return trail;
}

CountedInput::CountedInput(const std::string& name, const std::optional<ProducerPosition>& stored) : name_(name) {
  if (!stored) return;
  try {
    trail_ = Trail::of_proof(stored->proof);
  } catch (const Error& damage) {
    throw error(damage.code(), damage.what());
  }
  if (!trail_.entries().empty()) known_ = trail_.entries().back().position;
  if (SequenceNumber(known_) != stored->sequence) {
    throw error(ErrorCode::corrupt, "the stored proof of its input contradicts its position");
  }
}

Error CountedInput::error(ErrorCode code, const std::string& why) const {
  return {code, fmt::format("producer {}: {}", quote(name_), why)};
}

std::uint64_t CountedInput::until_check() const {
  return checked_ < trail_.entries().size() && known() > 0 ? trail_.entries()[checked_].position - position_
                                                           : std::numeric_limits<std::uint64_t>::max();
}

void CountedInput::add(std::string_view lines, std::span<const std::uint32_t> lengths) {
  while (!lengths.empty()) {
    const auto part = lengths.first(static_cast<std::size_t>(std::min<std::uint64_t>(lengths.size(), until_check())));
    const std::size_t size = std::accumulate(part.begin(), part.end(), part.size());
    hash_.add(lines.substr(0, size), part);
    count(part.size());
    lines.remove_prefix(size);
    lengths = lengths.subspan(part.size());
  }
}

void CountedInput::add_hole() {
  hash_.add_hole();
  count(1);
}

void CountedInput::count(std::size_t pieces) {
  const bool check = until_check() == pieces;
  position_ += pieces;
  if (!check) return;
  if (hash_.digest() != trail_.entries()[checked_].digest) {
    const std::uint64_t first = checked_ == 0 ? 1 : trail_.entries()[checked_ - 1].position + 1;
    const std::string where = first == position_
                                  ? fmt::format("its record {} differs", first)
                                  : fmt::format("it differs between its records {} and {}", first, position_);
    throw error(ErrorCode::malformed, "the input is not the one that was stored: " + where);
  }
  ++checked_;
}

void CountedInput::end() const {
  if (known() == 0) return;
  throw error(ErrorCode::malformed,
              fmt::format("the input is not the one that was stored: it ends after {} records, and {} were stored",
                          position_, known_));
}

std::optional<ProducerPosition> CountedInput::move() {
  if (position_ <= known_) return std::nullopt;
  trail_.add({position_, hash_.digest()});
  checked_ = trail_.entries().size();
  known_ = position_;
  return ProducerPosition{SequenceNumber(position_), trail_.to_proof()};
}

}  // namespace shardlog::cli
