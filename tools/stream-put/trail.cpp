#include "tools/stream-put/trail.h"

#include <algorithm>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"

namespace shardlog::cli {

namespace {
constexpr char version = 1;  // the first byte of a proof; then each entry's position and digest
constexpr std::size_t entry_size = sizeof(std::uint64_t) + sizeof(InputDigest);
static_assert(1 + Trail::most_entries * entry_size <= 4096);
}  // namespace

void Trail::add(const Entry& entry) {
  entries_.push_back(entry);
  std::vector<Entry> kept;  // from the last one on
  for (std::size_t i = entries_.size(); i-- > 0;) {
    const std::uint64_t before = i == 0 ? 0 : entries_[i - 1].position;
    // It can go where what its neighbours then enclose is no longer than what lies behind them.
    if (kept.empty() || kept.back().position - before > entry.position - kept.back().position) {
      kept.push_back(entries_[i]);
    }
  }
  std::reverse(kept.begin(), kept.end());
  entries_ = std::move(kept);
}

std::string Trail::to_proof() const {
  std::string proof(1 + entries_.size() * entry_size, version);
  char* to = proof.data() + 1;
  for (const Entry& entry : entries_) {
    to = store(to, entry.position);
    to = std::copy(entry.digest.begin(), entry.digest.end(), to);
  }
  return proof;
}

Trail Trail::of_proof(std::string_view proof) {
  if (proof.empty() || (proof.size() - 1) % entry_size != 0) {
    throw Error(ErrorCode::corrupt, "what is known of its input is damaged");
  }
  if (proof.front() != version)
    throw Error(ErrorCode::unsupported, "what is known of its input is of a newer version: use a newer shardlog");
  Trail trail;
  for (proof.remove_prefix(1); !proof.empty(); proof.remove_prefix(entry_size)) {
    Entry entry{load<std::uint64_t>(proof.data()), {}};
    std::copy_n(proof.begin() + sizeof entry.position, entry.digest.size(), entry.digest.begin());
    if (entry.position <= (trail.entries_.empty() ? 0 : trail.entries_.back().position)) {
      throw Error(ErrorCode::corrupt, "what is known of its input is damaged");
    }
    trail.entries_.push_back(entry);
  }
  return trail;
}

}  // namespace shardlog::cli
