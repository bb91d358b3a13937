#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "support/refusal.h"
#include "tools/stream-put/counted_input.h"

namespace shardlog::cli {
namespace {

using test::refusal;

Trail::Entry entry(std::uint64_t position) {
  Trail::Entry entry{position, {}};
  entry.digest.fill(static_cast<char>(position % 251));
  return entry;
}

Trail trail_of(std::initializer_list<std::uint64_t> positions) {
  Trail trail;
  for (const std::uint64_t position : positions) trail.add(entry(position));
  return trail;
}

std::vector<std::uint64_t> positions_of(const Trail& trail) {
  std::vector<std::uint64_t> positions;
  for (const Trail::Entry& found : trail.entries()) positions.push_back(found.position);
  return positions;
}

using Positions = std::vector<std::uint64_t>;

TEST(TrailTest, KeepsEntriesThatAreFarApart) {
  EXPECT_EQ(positions_of(trail_of({})), Positions{});
  EXPECT_EQ(positions_of(trail_of({7})), Positions{7});
  EXPECT_EQ(positions_of(trail_of({100, 200, 300})), (Positions{100, 200, 300}));
}

TEST(TrailTest, ThinsOutBackward) {
  // By hand: 2 goes when 1 to 3 is no longer than what comes after 3, and so on.
  EXPECT_EQ(positions_of(trail_of({1, 2, 3, 4})), (Positions{2, 3, 4}));
  EXPECT_EQ(positions_of(trail_of({1, 2, 3, 4, 5})), (Positions{2, 3, 4, 5}));
  EXPECT_EQ(positions_of(trail_of({1, 2, 3, 4, 5, 6})), (Positions{2, 4, 5, 6}));
  EXPECT_EQ(positions_of(trail_of({1, 2, 3, 4, 5, 6, 1000})), (Positions{6, 1000}));
}

TEST(TrailTest, FitsIntoAProofAtItsLargest) {
  Trail trail;
  for (int bit = 63; bit > 0; --bit) {
    const std::uint64_t behind = 1ULL << bit;
    trail.add(entry(std::numeric_limits<std::uint64_t>::max() - behind - behind / 2));
    trail.add(entry(std::numeric_limits<std::uint64_t>::max() - behind));
  }
  EXPECT_GT(trail.entries().size(), 100U);
  EXPECT_LE(trail.entries().size(), Trail::most_entries);
  EXPECT_LE(trail.to_proof().size(), 4096U);
  EXPECT_EQ(Trail::of_proof(trail.to_proof()).entries(), trail.entries());
}

TEST(TrailTest, RefusesTextsThatAreNotProofs) {
  EXPECT_EQ(positions_of(Trail::of_proof(trail_of({1, 5}).to_proof())), (Positions{1, 5}));
  const std::string proof = trail_of({1, 5}).to_proof();
  EXPECT_EQ(refusal([] { Trail::of_proof(""); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { Trail::of_proof(proof.substr(0, proof.size() - 1)); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([&] { Trail::of_proof(proof + proof.substr(1)); }), ErrorCode::corrupt);
  std::string newer = proof;
  newer[0] = 2;
  EXPECT_EQ(refusal([&] { Trail::of_proof(newer); }), ErrorCode::unsupported);
  std::string zero = trail_of({1}).to_proof();
  zero[1] = 0;
  EXPECT_EQ(refusal([&] { Trail::of_proof(zero); }), ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog::cli
