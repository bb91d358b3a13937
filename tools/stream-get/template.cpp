#include "tools/stream-get/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "shardlog/core/error.h"
#include "tools/common/escapes.h"

namespace shardlog::cli {

namespace {

using Field = TemplatePart::Field;

constexpr std::array<std::pair<std::string_view, Field>, 11> fields{{{"data", Field::data},
                                                                     {"data:json", Field::data_json},
                                                                     {"data:base64", Field::data_base64},
                                                                     {"key", Field::key},
                                                                     {"key:json", Field::key_json},
                                                                     {"shard", Field::shard},
                                                                     {"sequence", Field::sequence},
                                                                     {"time", Field::time},
                                                                     {"time:local", Field::time_local},
                                                                     {"date", Field::date},
                                                                     {"hash", Field::hash}}};

[[noreturn]] void refuse(std::string_view text, const std::string& reason) {
  std::string names;
  for (const auto& [name, field] : fields) names += fmt::format(" {{{}}}", name);
  throw Error(ErrorCode::usage, fmt::format("--format {}: {}; the fields are{}, and {{{{ and }}}} are braces",
                                            quote(text), reason, names));
}

Field field_of(std::string_view text, std::string_view name) {
  const auto* const found =
      std::find_if(fields.begin(), fields.end(), [name](const auto& known) { return known.first == name; });
  if (found == fields.end()) refuse(text, fmt::format("no field is called {}", quote(name)));
  return found->second;
}

}  // namespace

std::vector<TemplatePart> parse_template(std::string_view text) {
  std::vector<TemplatePart> parts;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t brace = rest.find_first_of("{}");
    std::string_view literal = rest.substr(0, brace);
    rest.remove_prefix(literal.size());
    const bool doubled = rest.size() > 1 && rest[0] == rest[1];
    const auto plain = unescape(literal);
    if (!plain) refuse(text, R"(an escape is \n, \t, \r, \0, \\ or \xHH)");
    std::string own = *plain;
    if (doubled) own += rest.front();
    if (!own.empty()) parts.push_back({Field::text, std::move(own)});
    if (doubled) {
      rest.remove_prefix(2);
    } else if (!rest.empty()) {
      const std::size_t end = rest.find_first_of("{}", 1);
      if (rest.front() == '}' || end == std::string_view::npos || rest[end] == '{') {
        refuse(text, fmt::format("a {} without its {}", rest.front(), rest.front() == '{' ? '}' : '{'));
      }
      parts.push_back({field_of(text, rest.substr(1, end - 1))});
      rest.remove_prefix(end + 1);
    }
  }
  return parts;
}

}  // namespace shardlog::cli
