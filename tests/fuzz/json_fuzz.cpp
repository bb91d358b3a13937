#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "shardlog/core/utf8.h"
#include "support/json_reader.h"
#include "support/owned_record.h"
#include "support/refusal.h"
#include "tools/common/json_key.h"
#include "tools/common/json_reader.h"
#include "tools/common/json_record.h"
#include "tools/common/json_text.h"

// A JSON pointer on a line, JSON behind it. Each is refused, or is read in one way and is the same when it is written
// and read again.
namespace shardlog::fuzz {
namespace {

using Kind = cli::JsonValue::Kind;

/// `text` in a block that ends with what a reader may read behind it, so that one byte more is noticed.
std::vector<char> padded(std::string_view text, char padding) {
  std::vector<char> block(text.size() + cli::json_padding, padding);
  std::copy(text.begin(), text.end(), block.begin());
  return block;
}

/// Nothing where `read` refuses.
template <typename Read>
auto unless_malformed(Read&& read) -> std::optional<decltype(read())> {
  std::optional<decltype(read())> result;
  const auto code = test::refusal([&] { result = read(); });
  require(!code || code == ErrorCode::malformed, "refused as malformed");
  return result;
}

/// What `read` makes of the text and a padding, which is to be the same with any.
template <typename Read>
auto with_any_padding(std::string_view text, Read&& read) {
  const auto result = read(padded(text, ' '));
  for (const char padding : {'"', '1', '\xff'}) {
    require(read(padded(text, padding)) == result, "what stands behind a text does not matter");
  }
  return result;
}

cli::JsonPointer pointer_of(std::string_view text) {
  const auto pointer = cli::parse_json_pointer(text);
  if (!pointer) return {};
  std::string again;
  for (const std::string& name : *pointer) {
    again += '/';
    for (const char c : name) {
      if (c == '~' || c == '/') {
        again += c == '~' ? "~0" : "~1";
      } else {
        again += c;
      }
    }
  }
  require(again == text, "a pointer has one form");
  return *pointer;
}

struct OwnedValue {
  Kind kind;
  std::string raw;
  std::string text;

  friend bool operator==(const OwnedValue&, const OwnedValue&) = default;
};

using Values = std::vector<std::optional<OwnedValue>>;

Values read_values(cli::JsonReader& reader, std::string_view text) {
  Values values;
  for (const auto& value : reader.read(text)) {
    values.emplace_back();
    if (!value) continue;
    const bool inside = value->raw.empty() || (value->raw.data() >= text.data() &&
                                               value->raw.data() + value->raw.size() <= text.data() + text.size());
    require(inside, "a value stands in the text");
    values.back() = {value->kind, std::string(value->raw), std::string(value->text)};
  }
  return values;
}

void check_string(const OwnedValue& value) {
  require(utf8_length(value.text).has_value(), "a string is valid UTF-8");
  const auto expected = test::read_json_string('"' + value.raw + '"');
  require(!expected || value.text == expected, "another reader of JSON gets the same text");

  std::string again;
  cli::append_json_string(again, value.text);
  cli::JsonReader reader({{}});
  const auto block = padded(again, ' ');
  require(read_values(reader, {block.data(), again.size()}).front()->text == value.text,
          "what was read can be written");
}

/// JsonKey finds what JsonReader finds, and refuses what it refuses.
void check_key(const cli::JsonPointer& pointer, std::string_view text, const std::optional<OwnedValue>& expected) {
  cli::JsonKey reader(pointer);
  const auto block = padded(text, '1');
  const auto key = reader.read({block.data(), text.size()});
  require(key.has_value() == expected.has_value(), "both find a value");
  if (key) require(key->kind == expected->kind && key->text == expected->text, "both find the same value");
}

void check_no_key(const cli::JsonPointer& pointer, std::string_view text) {
  cli::JsonKey reader(pointer);
  const auto block = padded(text, '1');
  require(!unless_malformed([&] { return reader.read({block.data(), text.size()}); }), "both refuse it");
}

/// Lines that are read together are read as each of them alone.
void check_lines(const cli::JsonPointer& pointer, std::string_view text) {
  const auto block = padded(std::string(text) + '\n', '"');
  std::string_view lines(block.data(), text.size() + 1);
  cli::JsonKey together(pointer);
  together.expect(lines);
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    cli::JsonReader alone({pointer});
    const auto expected = unless_malformed([&] { return read_values(alone, line); });
    const auto found = unless_malformed([&] { return together.read(line); });
    require(found.has_value() == expected.has_value(), "both refuse a line");
    if (!found) continue;
    require(found->has_value() == expected->front().has_value(), "both find a value in a line");
    if (*found) require((*found)->text == expected->front()->text, "both find the same value in a line");
  }
}

void check_values(const cli::JsonPointer& pointer, std::string_view text) {
  cli::JsonReader reader({{}, pointer});
  const auto values = with_any_padding(text, [&](const std::vector<char>& block) {
    return unless_malformed([&] { return read_values(reader, {block.data(), text.size()}); });
  });
  if (!values) return check_no_key(pointer, text);
  check_key(pointer, text, values->back());
  require(values->size() == 2 && values->front(), "there is the whole");
  for (const auto& value : *values) {
    if (value && value->kind == Kind::string) check_string(*value);
  }
}

using FoundRecord = std::optional<test::OwnedRecord>;

/// Changes the text.
FoundRecord read_record(cli::JsonRecordReader& reader, std::span<char> text) {
  const auto record = reader.read(text);
  if (!record) return std::nullopt;
  std::optional<std::string> key;
  if (record->key) key = std::string(*record->key);
  return test::OwnedRecord{std::string(record->data), key, record->explicit_hash_key};
}

std::string to_json(const test::OwnedRecord& record) {
  const bool is_text = utf8_length(record.data).has_value();
  std::string json = is_text ? R"({"data":)" : R"({"data_base64":)";
  if (is_text) {
    cli::append_json_string(json, record.data);
  } else {
    cli::append_json_base64(json, record.data);
  }
  if (record.key) {
    json += R"(,"key":)";
    cli::append_json_string(json, *record.key);
  }
  if (record.explicit_hash_key) json += R"(,"hash_key":")" + record.explicit_hash_key->to_string() + '"';
  return json + '}';
}

void check_record(std::string_view text) {
  cli::JsonRecordReader reader;
  const auto read = [&](std::string_view json) {
    return with_any_padding(json, [&](std::vector<char> block) {
      return unless_malformed([&] { return read_record(reader, {block.data(), json.size()}); });
    });
  };
  const auto record = read(text);
  if (!record || !*record) return;
  require(!(*record)->key || utf8_length(*(*record)->key), "a key is valid UTF-8");
  require(read(to_json(**record)) == record, "what was read can be written");
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = shardlog::fuzz::text_of(data, size);
  const std::string_view line = input.substr(0, input.find('\n'));
  const std::string_view json = input.substr(std::min(input.size(), line.size() + 1));
  const auto pointer = shardlog::fuzz::pointer_of(line);
  shardlog::fuzz::check_values(pointer, json);
  shardlog::fuzz::check_lines(pointer, json);
  shardlog::fuzz::check_record(json);
  return 0;
}
