#include "tools/common/json_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "shardlog/core/error.h"

namespace shardlog::cli {
namespace {

using Kind = JsonValue::Kind;

/// Reads texts that have what must stand behind them: bytes that would be a mistake if they were read.
class JsonReaderTest : public testing::Test {
 protected:
  std::optional<JsonValue> Read(const std::string& pointer, const std::string& text) {
    text_ = text + std::string(json_padding, '"');
    reader_ = std::make_unique<JsonReader>(std::vector<JsonPointer>{*parse_json_pointer(pointer)});
    return reader_->read(std::string_view(text_).substr(0, text.size())).front();
  }

  std::string Text(const std::string& pointer, const std::string& text) {
    const auto value = Read(pointer, text);
    return value ? std::string(value->text) : "(absent)";
  }

  std::string Refusal(const std::string& text) {
    try {
      Read("", text);
      return "(accepted)";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::malformed);
      return error.what();
    }
  }

 private:
  std::string text_;
  std::unique_ptr<JsonReader> reader_;
};

TEST_F(JsonReaderTest, FindsValuesOfEveryKind) {
  const std::string text = R"({"s":"x","n":1,"t":true,"f":false,"z":null,"o":{},"a":[]})";
  EXPECT_EQ(Read("/s", text)->kind, Kind::string);
  EXPECT_EQ(Read("/n", text)->kind, Kind::number);
  EXPECT_EQ(Read("/t", text)->kind, Kind::boolean);
  EXPECT_EQ(Read("/f", text)->kind, Kind::boolean);
  EXPECT_EQ(Read("/z", text)->kind, Kind::null);
  EXPECT_EQ(Read("/o", text)->kind, Kind::object);
  EXPECT_EQ(Read("/a", text)->kind, Kind::array);
  EXPECT_EQ(Read("", text)->kind, Kind::object);
  EXPECT_FALSE(Read("/x", text));
}

TEST_F(JsonReaderTest, FindsValuesAtTheTop) {
  EXPECT_EQ(Text("", "\"x\""), "x");
  EXPECT_EQ(Text("", " 12 "), "12");
  EXPECT_EQ(Text("", "true"), "true");
  EXPECT_EQ(Text("/0", "[\"x\"]"), "x");
  EXPECT_EQ(Text("/0", "\"x\""), "(absent)");
}

TEST_F(JsonReaderTest, GivesTheBytesOfEscapes) {
  EXPECT_EQ(Text("", R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Text("", R"("\u0041\u00e9\u20ac\ud83e\udd8a")"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x8a");
  EXPECT_EQ(Text("", R"("a\u0000b")"), std::string("a\0b", 3));
  EXPECT_EQ(Read("", R"("a\nb")")->raw, R"(a\nb)");
}

// RFC 8259, section 8.2: the grammar allows for them, and what they mean is not said.
TEST_F(JsonReaderTest, HalfOfASurrogatePairIsValidButHasNoText) {
  for (const char* const text : {R"("\ud800")", R"("\udc00")", R"("\ud83ea")", R"("\ud83e\u0041")", R"("\udd8a\ud83e")",
                                 R"("\ud83e\n\udd8a")", R"("\ud83e\ud83e\udd8a")", R"("\uD83E\uDD8A\uDBFF")"}) {
    EXPECT_EQ(Read("", text)->kind, Kind::unpaired) << text;
    EXPECT_EQ(Read("", text)->text, "") << text;
    EXPECT_EQ(Text("/k", std::string(R"({"x":)") + text + R"(,"k":"y"})"), "y") << text;
    EXPECT_EQ(Text("/k", std::string("{") + text + R"(:1,"k":"y"})"), "y") << text;
  }
  EXPECT_EQ(Read("", R"("\ud83e\udd8a\\ud800")")->kind, Kind::string);
  EXPECT_EQ(Read("", R"("\ud7ff\ue000")")->kind, Kind::string);
}

TEST_F(JsonReaderTest, ChecksEscapesThatNobodyWants) {
  for (const char* const escape : {"\\x", "\\u", "\\u12", "\\u12g4", "\\u-123", "\\u 123", "\\ud800\\q"}) {
    EXPECT_EQ(Refusal(std::string("[\"") + escape + "\"]"), "not valid JSON") << escape;
    EXPECT_EQ(Refusal(std::string("{\"") + escape + "\":1}"), "not valid JSON") << escape;
  }
}

TEST_F(JsonReaderTest, TakesTheLastOfSeveralMembers) {
  EXPECT_EQ(Text("/a", R"({"a":1,"b":0,"a":2})"), "2");
  EXPECT_EQ(Text("/a/b", R"({"a":{"b":1},"a":{}})"), "(absent)");
  EXPECT_EQ(Text("/a", R"({"\u0061":1})"), "1");
}

TEST_F(JsonReaderTest, GivesSeveralValuesAtOnce) {
  JsonReader reader({{}, {"a"}, {"a", "0"}, {"b"}});
  const std::string text = R"({"a":["x"]})" + std::string(json_padding, ' ');
  const auto found = reader.read(std::string_view(text).substr(0, text.size() - json_padding));
  ASSERT_EQ(found.size(), 4);
  EXPECT_EQ(found[0]->kind, Kind::object);
  EXPECT_EQ(found[1]->kind, Kind::array);
  EXPECT_EQ(found[2]->text, "x");
  EXPECT_FALSE(found[3]);
}

TEST_F(JsonReaderTest, TakesEveryNumberOfTheGrammar) {
  for (const char* const number :
       {"0", "-0", "10", "1.5", "-1.50e+10", "1E400", "0e-0", "123456789012345678901234567890"}) {
    EXPECT_EQ(Text("", number), number);
  }
  for (const char* const number :
       {"01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1_0", "--1", "1.5.2", "NaN", "Infinity"}) {
    EXPECT_EQ(Refusal(std::string("[") + number + "]"), "not valid JSON") << number;
    EXPECT_EQ(Refusal(number), "not valid JSON") << number;
  }
}

TEST_F(JsonReaderTest, RefusesTextsThatAreNotJson) {
  for (const char* const text : {"",
                                 " ",
                                 "{",
                                 "}",
                                 "[",
                                 "]",
                                 ",",
                                 ":",
                                 "{]",
                                 "[}",
                                 "{\"a\":1",
                                 "{\"a\"}",
                                 "{\"a\" 1}",
                                 "{\"a\":}",
                                 "{,}",
                                 "{\"a\":1,}",
                                 "{\"a\":1 \"b\":2}",
                                 "[1,]",
                                 "[,1]",
                                 "[1 2]",
                                 "[1}",
                                 "{\"a\":[1}",
                                 "{\"a\":[1]",
                                 "{1:2}",
                                 "\"a",
                                 "\"\\x\"",
                                 "\"\\u00g0\"",
                                 "\"a\nb\"",
                                 "[\"\t\"]",
                                 "tru",
                                 "nulll",
                                 "True",
                                 "{\"a\":1}}",
                                 "[1]]",
                                 "'a'",
                                 "{\"a\\q\":1}"}) {
    EXPECT_NE(Refusal(text), "(accepted)") << text;
  }
  EXPECT_EQ(Refusal("{} {}"), "more than one JSON value");
  EXPECT_EQ(Refusal("1 2"), "more than one JSON value");
  EXPECT_EQ(Refusal("\"a\" \"b\""), "more than one JSON value");
  EXPECT_EQ(Refusal("[\"\xff\"]"), "not valid UTF-8");
}

TEST_F(JsonReaderTest, BoundsTheNesting) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(Refusal(nested(1024)), "(accepted)");
  EXPECT_EQ(Refusal(nested(1026)), "JSON nested too deeply");
  EXPECT_EQ(Refusal(std::string(1'000'000, '[')), "not valid JSON");
}

TEST_F(JsonReaderTest, GoesOnAfterARefusal) {
  JsonReader reader({{"a"}});
  const std::string padding(json_padding, ' ');
  const std::string bad = "{\"a\":" + padding;
  const std::string good = "{\"a\":7}" + padding;
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(reader.read(std::string_view(bad).substr(0, 5)), Error);
    EXPECT_EQ(reader.read(std::string_view(good).substr(0, 7)).front()->text, "7");
  }
}

TEST(JsonPointer, AnEmptyOneLeadsToTheWhole) {
  EXPECT_EQ(parse_json_pointer(""), JsonPointer{});
}

TEST(JsonPointer, ASlashStandsBeforeEachName) {
  EXPECT_EQ(parse_json_pointer("/"), JsonPointer{""});
  EXPECT_EQ(parse_json_pointer("/foo/0"), (JsonPointer{"foo", "0"}));
  EXPECT_EQ(parse_json_pointer("//a/"), (JsonPointer{"", "a", ""}));
  EXPECT_EQ(parse_json_pointer("/ "), JsonPointer{" "});
}

TEST(JsonPointer, TildeEscapesAreReadOnce) {
  EXPECT_EQ(parse_json_pointer("/a~1b"), JsonPointer{"a/b"});
  EXPECT_EQ(parse_json_pointer("/m~0n"), JsonPointer{"m~n"});
  EXPECT_EQ(parse_json_pointer("/~01"), JsonPointer{"~1"});  // RFC 6901, section 4
  EXPECT_EQ(parse_json_pointer("/~1~0/~0~1"), (JsonPointer{"/~", "~/"}));
}

TEST(JsonPointer, RefusesOtherTexts) {
  for (const char* const text : {"a", "a/b", "~0", " /a", "#/a", "/~", "/a~", "/~2", "/a~/b", "/~a"}) {
    EXPECT_EQ(parse_json_pointer(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace shardlog::cli
