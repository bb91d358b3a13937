#include <array>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "support/refusal.h"
#include "tools/stream-get/template.h"

// Any template is refused, or its parts put together again are a template of the same parts.
namespace shardlog::fuzz {
namespace {

using Field = cli::TemplatePart::Field;

std::string written(Field field) {
  constexpr std::array<std::pair<Field, const char*>, 11> names{{{Field::data, "{data}"},
                                                                 {Field::data_json, "{data:json}"},
                                                                 {Field::data_base64, "{data:base64}"},
                                                                 {Field::key, "{key}"},
                                                                 {Field::key_json, "{key:json}"},
                                                                 {Field::shard, "{shard}"},
                                                                 {Field::sequence, "{sequence}"},
                                                                 {Field::time, "{time}"},
                                                                 {Field::time_local, "{time:local}"},
                                                                 {Field::date, "{date}"},
                                                                 {Field::hash, "{hash}"}}};
  for (const auto& [known, name] : names) {
    if (known == field) return name;
  }
  require(false, "a part is a text or a field");
  return {};
}

/// A doubled brace ends a text, so one inside of a text was an escape.
std::string written(const std::string& text) {
  std::string result;
  for (const char& c : text) {
    const bool last = &c == &text.back();
    if (c == '\\') {
      result += R"(\\)";
    } else if (c == '{') {
      result += last ? "{{" : R"(\x7b)";
    } else if (c == '}') {
      result += last ? "}}" : R"(\x7d)";
    } else {
      result += c;
    }
  }
  return result;
}

void check_parts(std::string_view text, const std::vector<cli::TemplatePart>& parts) {
  std::string again;
  for (const cli::TemplatePart& part : parts) {
    require((part.field == Field::text) != part.text.empty(), "a text has something in it, a field has no text");
    again += part.field == Field::text ? written(part.text) : written(part.field);
  }
  require(again == text || text.find('\\') != std::string_view::npos, "only an escape can be written in another way");
  require(cli::parse_template(again) == parts, "the parts put together are a template of the same parts");
}

}  // namespace
}  // namespace shardlog::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = shardlog::fuzz::text_of(data, size);
  std::vector<shardlog::cli::TemplatePart> parts;
  const auto code = shardlog::test::refusal([&] { parts = shardlog::cli::parse_template(text); });
  shardlog::fuzz::require(!code || code == shardlog::ErrorCode::usage, "refused as wrong usage");
  if (!code) shardlog::fuzz::check_parts(text, parts);
  return 0;
}
