#include "tools/stream-get/template.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shardlog/core/error.h"
#include "support/refusal.h"

namespace shardlog::cli {
namespace {

using Field = TemplatePart::Field;
using TemplateParts = std::vector<TemplatePart>;

TemplatePart text(std::string own) {
  return {Field::text, std::move(own)};
}

TemplatePart field(Field which) {
  return {which};
}

TEST(Template, OfNothingHasNoParts) {
  EXPECT_EQ(parse_template(""), TemplateParts{});
}

TEST(Template, MayBeTextAlone) {
  EXPECT_EQ(parse_template("a: b"), TemplateParts{text("a: b")});
  EXPECT_EQ(parse_template("é\n"), TemplateParts{text("é\n")});
}

TEST(Template, KnowsEveryField) {
  const std::vector<std::pair<std::string_view, Field>> table{
      {"{data}", Field::data},
      {"{data:json}", Field::data_json},
      {"{data:base64}", Field::data_base64},
      {"{key}", Field::key},
      {"{key:json}", Field::key_json},
      {"{shard}", Field::shard},
      {"{time:local}", Field::time_local},
      {"{date}", Field::date},
      {"{time}", Field::time},
      {"{sequence}", Field::sequence},
      {"{hash}", Field::hash},
  };
  for (const auto& [written, which] : table) EXPECT_EQ(parse_template(written), TemplateParts{field(which)}) << written;
}

TEST(Template, MixesFieldsAndText) {
  EXPECT_EQ(parse_template("{key} -> {data}"), (TemplateParts{field(Field::key), text(" -> "), field(Field::data)}));
  EXPECT_EQ(parse_template("<{key}{key}>"),
            (TemplateParts{text("<"), field(Field::key), field(Field::key), text(">")}));
}

/// The text of a template without fields, its parts put together.
std::string plain(std::string_view written) {
  std::string result;
  for (const TemplatePart& part : parse_template(written)) {
    EXPECT_EQ(part.field, Field::text) << written;
    result += part.text;
  }
  return result;
}

TEST(Template, DoubledBracesAreBraces) {
  EXPECT_EQ(plain("{{"), "{");
  EXPECT_EQ(plain("}}"), "}");
  EXPECT_EQ(plain("{{}}"), "{}");
  EXPECT_EQ(plain("}}{{"), "}{");
  EXPECT_EQ(plain("{{{{a}}}}"), "{{a}}");
  EXPECT_EQ(plain("{{data}}"), "{data}");
  EXPECT_EQ(parse_template("{{{data}}}"), (TemplateParts{text("{"), field(Field::data), text("}")}));
}

TEST(Template, EscapesAreRead) {
  EXPECT_EQ(plain(R"(\n\t\r\0\\)"), std::string("\n\t\r\0\\", 5));
  EXPECT_EQ(plain(R"(\x41\xfF)"), "A\xff");
  EXPECT_EQ(plain(R"(\x7bdata\x7d)"), "{data}");  // no field: it has no braces of its own
  EXPECT_EQ(parse_template(R"({key}\\{data})"), (TemplateParts{field(Field::key), text("\\"), field(Field::data)}));
}

TEST(Template, RefusesWhatMakesNoSense) {
  for (const std::string_view written :
       {"{}",     "{bogus}", "{Data}", "{ data}", "{data }",    "{data:}", "{data:xml}", "{shard:json}", "{:json}",
        "{",      "}",       "{data",  "data}",   "a}b",        "{data}}", "{{data}",    "{{{",          "}}}",
        "{a{b}}", "{data{{", R"(\)",   R"(\q)",   R"(\{data})", R"(\x4)",  R"({data\n})"}) {
    EXPECT_EQ(test::refusal([&] { parse_template(written); }), ErrorCode::usage) << written;
  }
}

}  // namespace
}  // namespace shardlog::cli
