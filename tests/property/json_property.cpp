#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "support/refusal.h"
#include "tools/common/json_key.h"
#include "tools/common/json_reader.h"

namespace shardlog::cli {
namespace {

/// The kind and text of a value; nothing if there is none, or if the text is refused.
using Found = std::optional<std::pair<JsonValue::Kind, std::string>>;

template <typename Value>
Found owned(const std::optional<Value>& value) {
  return value ? Found({value->kind, std::string(value->text)}) : std::nullopt;
}

/// Lines, without their newlines: mostly valid objects, because what the parser refuses ends what is read together.
std::vector<std::string> any_lines() {
  const auto padding = *rc::gen::element<std::size_t>(0, 0, 100, 3000, 40'000);
  const auto valid = rc::gen::element<std::string>(
      R"({"k":"x"})", R"({"k":"x\n","k":"\u00e9"})", R"([{"k":"in an array"}])", R"({"k":1.50})", R"({"k":{}})", "{}",
      "[]", "{\"p\":\"" + std::string(padding, 'p') + "\",\"k\":\"padded\"}");
  // With lines before and after them, some of these are one document, or several.
  const auto odd = rc::gen::element<std::string>(
      R"({"n":1e999,"k":"y"})", R"({"k":"\ud800"})", R"({"n":"\ud800","k":"z"})", "\"k\"", "12", "true", "", " ",
      R"({"k":"a"}{"k":"b"})", R"({"k":"a"} {"k":"b"})", R"({"k":"a"}])", R"({"k":"a"},)", R"({"k":"a"}x)", R"({"k":)",
      R"("v"})", "{", "}", "[", ",", "]", R"(["k",)", R"({"k":"open)", "\"", "\\", "{\"k\":\"\xff\"}", "{\"k\":\"\t\"}",
      "1 2", R"({"k":01})", R"({'k':1})");
  const auto blanks = rc::gen::weightedElement<std::string>({{20, ""}, {1, " "}, {1, "\t"}, {1, "\r"}});
  const auto line =
      rc::gen::map(rc::gen::tuple(blanks, rc::gen::weightedOneOf<std::string>({{50, valid}, {1, odd}}), blanks),
                   [](const auto& parts) { return std::get<0>(parts) + std::get<1>(parts) + std::get<2>(parts); });
  // Of one object over several lines, only some lines are valid.
  std::vector<std::string> lines = *rc::gen::container<std::vector<std::string>>(line);
  for (const char* const part : {R"({"k":)", R"({"k":"i"})", "}"}) {
    if (*rc::gen::arbitrary<bool>()) lines.emplace_back(part);
  }
  const auto more = *rc::gen::container<std::vector<std::string>>(line);
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

RC_GTEST_PROP(JsonKeyProperty, LinesThatWereExpectedAreReadAsAlone, ()) {
  const std::vector<std::string> lines = any_lines();
  std::string block;
  for (const std::string& line : lines) block.append(line).append(1, '\n');
  const std::size_t size = block.size();
  block.append(json_padding, '"');
  JsonKey together({"k"});
  together.expect(std::string_view(block).substr(0, size));
  std::size_t at = 0;
  for (const std::string& line : lines) {
    const std::string_view text = std::string_view(block).substr(at, line.size());
    at += line.size() + 1;
    if (*rc::gen::weightedElement<bool>({{9, false}, {1, true}})) continue;  // left out
    JsonReader alone({{"k"}});
    Found expected;
    const auto refusal = test::refusal([&] { expected = owned(alone.read(text).front()); });
    Found found;
    RC_ASSERT((test::refusal([&] { found = owned(together.read(text)); }) == refusal));
    RC_ASSERT((found == expected));
  }
}

}  // namespace
}  // namespace shardlog::cli
