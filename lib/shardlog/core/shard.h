#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/clock.h"
#include "shardlog/core/export.h"
#include "shardlog/core/hash_key.h"

namespace shardlog {

constexpr std::uint32_t max_shards = 10'000;

/// A shard's number within its stream: counts up, never reused. Written shardId-000000000003.
class SHARDLOG_API ShardId {
 public:
  constexpr explicit ShardId(std::uint32_t number) : number_(number) {}

  /// Accepts the written form and the plain number; nullopt for anything else.
  static std::optional<ShardId> parse(std::string_view text);

  [[nodiscard]] constexpr std::uint32_t number() const { return number_; }
  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(ShardId, ShardId) = default;

 private:
  std::uint32_t number_;
};

/// A shard owns a range of the key space from its opening to its closing. Parents close when children open.
struct Shard {
  ShardId id;
  HashRange range;
  Timestamp opened_at;
  std::optional<Timestamp> closed_at{};
  std::optional<ShardId> parent{};
  std::optional<ShardId> adjacent_parent{};  ///< the second parent of a merge

  [[nodiscard]] bool open() const { return !closed_at; }

  /// None, one after a split, two after a merge.
  [[nodiscard]] std::vector<ShardId> parents() const {
    std::vector<ShardId> result;
    if (parent) result.push_back(*parent);
    if (adjacent_parent) result.push_back(*adjacent_parent);
    return result;
  }

  friend bool operator==(const Shard&, const Shard&) = default;
};

}  // namespace shardlog
