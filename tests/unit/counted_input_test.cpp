#include "tools/stream-put/counted_input.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shardlog/core/error.h"
#include "support/refusal.h"

namespace shardlog::cli {
namespace {

using test::refusal;

using Pieces = std::vector<std::string>;

/// All at once, as they stand in a chunk.
void add_lines(CountedInput& input, const Pieces& pieces) {
  std::string lines;
  std::vector<std::uint32_t> lengths;
  for (const std::string& piece : pieces) {
    lines += piece + '\n';
    lengths.push_back(static_cast<std::uint32_t>(piece.size()));
  }
  input.add(lines, lengths);
}

void add(CountedInput& input, const Pieces& pieces) {
  for (const std::string& piece : pieces) add_lines(input, {piece});
}

CountedInput input_after(const std::optional<ProducerPosition>& stored) {
  return {"nightly", stored};
}

ProducerPosition place_after(const std::vector<Pieces>& commits) {
  CountedInput input = input_after(std::nullopt);
  std::optional<ProducerPosition> place;
  for (const Pieces& pieces : commits) {
    add(input, pieces);
    place = input.move();
  }
  return *place;
}

std::string refusal_of(const ProducerPosition& place, const Pieces& pieces) {
  CountedInput input = input_after(place);
  try {
    add_lines(input, pieces);
    input.end();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::malformed);
    return error.what();
  }
  return "";
}

TEST(CountedInputTest, KnowsWhatWasStored) {
  const ProducerPosition place = place_after({{"a", "b"}, {"c"}});
  EXPECT_EQ(place.sequence, SequenceNumber(3));
  CountedInput input = input_after(place);
  EXPECT_EQ(input.known(), 3U);
  add(input, {"a"});
  EXPECT_EQ(input.known(), 2U);
  add(input, {"b", "c"});
  EXPECT_EQ(input.known(), 0U);
  EXPECT_EQ(input.move(), std::nullopt);
  input.end();
  add(input, {"d"});
  EXPECT_EQ(input.move()->sequence, SequenceNumber(4));
  EXPECT_EQ(input.move(), std::nullopt);
}

TEST(CountedInputTest, IsTheSameHoweverItIsHandedOver) {
  const Pieces pieces{"a", "", "b\nc", std::string(5000, 'x'), "\n"};
  CountedInput one = input_after(std::nullopt);
  CountedInput other = input_after(std::nullopt);
  add(one, pieces);
  add_lines(other, pieces);
  EXPECT_EQ(one.move(), other.move());
  const ProducerPosition place = place_after({{pieces[0]}, {pieces[1], pieces[2]}, {pieces[3], pieces[4]}});
  EXPECT_EQ(refusal_of(place, pieces), "");
}

TEST(CountedInputTest, SaysBetweenWhichRecordsAChangedInputDiffers) {
  const ProducerPosition place = place_after({{"a", "b"}, {"c"}, {"d", "e"}});
  const std::string differs = "producer 'nightly': the input is not the one that was stored: ";
  EXPECT_EQ(refusal_of(place, {"a", "b", "c", "d", "e", "f"}), "");
  EXPECT_EQ(refusal_of(place, {"a", "x", "c", "d", "e"}), differs + "it differs between its records 1 and 2");
  EXPECT_EQ(refusal_of(place, {"a", "b", "x", "d", "e"}), differs + "its record 3 differs");
  EXPECT_EQ(refusal_of(place, {"a", "b", "c", "d", "x"}), differs + "it differs between its records 4 and 5");
  EXPECT_EQ(refusal_of(place, {"a", "b", "c", "d"}), differs + "it ends after 4 records, and 5 were stored");
}

TEST(CountedInputTest, TakesTheSameBytesCutOtherwiseForAnotherInput) {
  EXPECT_NE(refusal_of(place_after({{"a", "b\nc"}}), {"a\nb", "c"}), "");
  EXPECT_NE(refusal_of(place_after({{"", "\n"}}), {"\n", ""}), "");
}

TEST(CountedInputTest, CountsAHoleAsAPiece) {
  CountedInput input = input_after(std::nullopt);
  add(input, {"a"});
  input.add_hole();
  const ProducerPosition place = *input.move();
  EXPECT_EQ(place.sequence, SequenceNumber(2));
  CountedInput again = input_after(place);
  add(again, {"a"});
  again.add_hole();
  EXPECT_EQ(again.known(), 0U);
  CountedInput other = input_after(place);
  other.add_hole();
  EXPECT_EQ(refusal([&] { add(other, {"a"}); }), ErrorCode::malformed);
}

TEST(CountedInputTest, RefusesAPositionThatContradictsItsProof) {
  ProducerPosition place = place_after({{"a"}});
  place.sequence = SequenceNumber(2);
  EXPECT_EQ(refusal([&] { input_after(place); }), ErrorCode::corrupt);
  EXPECT_EQ(refusal([] { input_after(ProducerPosition{SequenceNumber(2)}); }), ErrorCode::corrupt);
}

}  // namespace
}  // namespace shardlog::cli
