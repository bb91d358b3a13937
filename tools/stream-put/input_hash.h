#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct XXH3_state_s;

namespace shardlog::cli {

using InputDigest = std::array<char, 16>;

/// A running hash of the pieces of an input, where they begin and end included; the same however they are handed over.
class InputHash {
 public:
  InputHash();

  /// Pieces as in Input: each followed by a newline that is not part of it. REQUIRES: lines hold all the lengths
  void add(std::string_view lines, std::span<const std::uint32_t> lengths);

  /// One piece, as if a newline stood behind it.
  void add(std::string_view piece);

  /// A byte order mark that was taken off the next piece, and counts all the same.
  void add_mark() { marked_ = true; }

  /// A piece of which nothing is known but that it was there.
  void add_hole();

  [[nodiscard]] InputDigest digest() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  using State = std::unique_ptr<XXH3_state_s, Free>;

  static State make_state();
  void add_mark_to(std::uint32_t length);
  void add_lengths(std::span<const std::uint32_t> lengths);

  State bytes_ = make_state();
  State lengths_ = make_state();
  bool marked_ = false;
};

}  // namespace shardlog::cli
