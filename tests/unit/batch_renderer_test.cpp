#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "tools/stream-get/record_writer.h"

namespace shardlog::cli {
namespace {

const std::string uuid = "01234567-89ab-cdef-0123-456789abcdef";

std::shared_ptr<const StoredBatch> stored(const std::vector<std::string>& data, std::uint64_t first_sequence) {
  std::vector<Record> records;
  records.reserve(data.size());
  for (const std::string& text : data) records.push_back({text, std::nullopt});
  return std::make_shared<StoredBatch>(StoredBatch{ShardId(0), Arrivals(Timestamp()),
                                                   SequenceRun::dense(first_sequence, data.size()),
                                                   RecordBatch::decode(encode(records).payload), 0, data.size()});
}

/// The records b, empty and e of two stored batches.
consuming::Batch three_records() {
  return {ShardId(0), 1, 1, {{stored({"a", "b", ""}, 1), 1, 2}, {stored({"e"}, 4), 0, 1}}};
}

/// The text, cut at the ends.
std::vector<std::string> pieces(const Rendering& rendering) {
  std::vector<std::string> result;
  std::uint64_t at = 0;
  for (const std::uint64_t end : rendering.ends) {
    result.push_back(rendering.text.substr(at, end - at));
    at = end;
  }
  EXPECT_EQ(at, rendering.text.size());
  return result;
}

TEST(BatchRenderer, TellsWhereEachRecordEnds) {
  using Pieces = std::vector<std::string>;
  BatchRenderer lines({}, uuid, false);
  EXPECT_EQ(pieces(lines.render(three_records())), (Pieces{"b\n", "\n", "e\n"}));
  BatchRenderer nothing({OutputForm::Kind::delimited, ""}, uuid, false);
  EXPECT_EQ(pieces(nothing.render(three_records())), (Pieces{"b", "", "e"}));
  BatchRenderer longer({OutputForm::Kind::delimited, "--"}, uuid, false);
  EXPECT_EQ(pieces(longer.render(three_records())), (Pieces{"b--", "--", "e--"}));
  BatchRenderer form({OutputForm::Kind::format, R"({sequence}\n{data})"}, uuid, false);
  EXPECT_EQ(pieces(form.render(three_records())), (Pieces{"2\nb\n", "3\n\n", "4\ne\n"}));
  BatchRenderer json({OutputForm::Kind::json, {}}, uuid, false);
  const Pieces objects = pieces(json.render(three_records()));
  ASSERT_EQ(objects.size(), 3U);
  for (const std::string& object : objects) EXPECT_TRUE(object.starts_with('{') && object.ends_with("}\n")) << object;
}

TEST(BatchRenderer, RecordsOfAFrameEndTogether) {
  BatchRenderer frames({OutputForm::Kind::frames, {}}, uuid, false);
  const Rendering& rendering = frames.render(three_records());
  ASSERT_EQ(rendering.ends.size(), 3U);
  EXPECT_EQ(rendering.ends[0], rendering.ends[1]);
  EXPECT_EQ(rendering.text.substr(0, 4), "SLFR");
  EXPECT_EQ(rendering.text.substr(rendering.ends[1], 4), "SLFR");
  EXPECT_EQ(rendering.ends[2], rendering.text.size());
}

TEST(BatchRenderer, StartsAfreshEachTime) {
  BatchRenderer lines({}, uuid, false);
  lines.render(three_records());
  const consuming::Batch large{ShardId(0), 1, 1, {{stored({std::string(1'000'000, 'x'), "y"}, 5), 0, 2}}};
  EXPECT_EQ(lines.render(large).ends, (std::vector<std::uint64_t>{1'000'001, 1'000'003}));
  EXPECT_EQ(lines.render(three_records()).text, "b\n\ne\n");
}

TEST(BatchRenderer, EscapesForATerminal) {
  BatchRenderer lines({}, uuid, true);
  const consuming::Batch batch{ShardId(0), 1, 1, {{stored({"\x1b[2J"}, 1), 0, 1}}};
  EXPECT_EQ(lines.render(batch).text, "\\x1b[2J\n");
  EXPECT_EQ(test::refusal([] { BatchRenderer({OutputForm::Kind::frames, {}}, uuid, true); }), ErrorCode::usage);
}

}  // namespace
}  // namespace shardlog::cli
