#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shardlog/core/error.h"
#include "shardlog/core/producer.h"

struct XXH3_state_s;

/// How an input is recognised when a producer reads it again: its pieces are counted and hashed.
namespace shardlog::cli {

using InputDigest = std::array<char, 16>;

/// A running hash of the pieces of an input and of where they begin and end. It does not depend on how they are handed
/// over.
class InputHash {
 public:
  /// Pieces as in Input, each followed by a newline that is not part of it. REQUIRES: lines hold all the lengths
  void add(std::string_view lines, std::span<const std::uint32_t> lengths);

  /// A byte order mark that was taken off the next piece, and counts as part of it.
  void add_mark() { marked_ = true; }

  /// A piece that was left out, whatever was in it.
  void add_hole();

  [[nodiscard]] InputDigest digest() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  using State = std::unique_ptr<XXH3_state_s, Free>;

  static State make_state();
  void add_lengths(std::span<const std::uint32_t> lengths);

  State bytes_ = make_state();
  State lengths_ = make_state();
  bool marked_ = false;
};

/// Digests of an input after some of its pieces. They show that another input differs, and roughly where. Older entries
/// are thinned out: the stretch between two neighbours was added at once, or is no longer than the stretch from the
/// second of them to the end.
class Trail {
 public:
  struct Entry {
    std::uint64_t position;  ///< number of pieces, at least 1
    InputDigest digest;      ///< of all these pieces

    friend bool operator==(const Entry&, const Entry&) = default;
  };

  /// The trail keeps at most two entries for each doubling of the distance from the last entry.
  static constexpr std::size_t most_entries = 130;

  /// REQUIRES: its position is greater than those before
  void add(const Entry& entry);

  /// In ascending order of their positions.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  /// A producer's proof: at most 4096 bytes.
  [[nodiscard]] std::string to_proof() const;
  /// Throws corrupt if it is not a proof, and unsupported if a newer version made it.
  static Trail of_proof(std::string_view proof);

 private:
  std::vector<Entry> entries_;
};

/// An input whose pieces are counted, and compared with those that the producer `name` stored before. Errors name it.
/// Adding pieces throws malformed when they differ.
class CountedInput {
 public:
  /// `stored` is how far the input was stored. Throws corrupt and unsupported as Trail, and corrupt if it contradicts
  /// its own proof.
  CountedInput(const std::string& name, const std::optional<ProducerPosition>& stored);

  /// How many of the next pieces are stored or left out already.
  [[nodiscard]] std::uint64_t known() const { return known_ > position_ ? known_ - position_ : 0; }

  /// As in InputHash.
  void add(std::string_view lines, std::span<const std::uint32_t> lengths);
  void add_hole();
  void add_mark() { hash_.add_mark(); }

  /// To be called at the end of the input. Throws malformed if the input is shorter than what was stored before.
  void end() const;

  /// How far the input has come. Unset if that is no further than what was stored, or than the last call returned.
  std::optional<ProducerPosition> move();

 private:
  void count(std::size_t pieces);
  [[nodiscard]] std::uint64_t until_check() const;
  [[nodiscard]] Error error(ErrorCode code, const std::string& why) const;

  std::string name_;
  std::uint64_t known_ = 0;     ///< stored, or returned by move()
  std::uint64_t position_ = 0;  ///< number of pieces so far
  InputHash hash_;
  Trail trail_;
  std::size_t checked_ = 0;  ///< number of entries of the trail that the input was compared with
};

}  // namespace shardlog::cli
