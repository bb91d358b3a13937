#include "tools/common/option_table.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include "shardlog/core/nearest.h"
#include "shardlog/log/stream.h"
#include "tools/common/argument_check.h"
#include "tools/common/scan.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t description_column = 30;
constexpr std::size_t help_width = 80;

/// The arguments as CLI11 wants them, from the last to the first. An empty value after = becomes an argument of its
/// own, because CLI11 would take the next one instead.
std::vector<std::string> reversed(std::span<char* const> arguments) {
  std::vector<std::string> result;
  for (std::string argument : arguments) {
    const bool empty_value =
        argument.starts_with("--") && argument.size() > 3 && argument.find('=') == argument.size() - 1;
    if (empty_value) argument.pop_back();
    result.push_back(argument);
    if (empty_value) result.emplace_back();
  }
  std::reverse(result.begin(), result.end());
  return result;
}

/// "  -s, --shards N          text": the text is wrapped, and begins on the next line if the names are too long.
std::string help_line(const CLI::Option& option) {
  const auto& shorts = option.get_snames();
  const auto& longs = option.get_lnames();
  std::string names = shorts.empty() ? "      " : "  -" + shorts.front() + (longs.empty() ? "" : ", ");
  if (!longs.empty()) names += "--" + longs.front();
  const std::string value = option.get_type_name();
  if (!value.empty()) names += (value.starts_with('[') ? "" : " ") + value;  // "[=VALUE]" may be left out
  const std::string indent(description_column, ' ');
  std::string text =
      names.size() + 2 > description_column ? names + "\n" + indent : fmt::format("{:<{}}", names, description_column);
  std::istringstream words(option.get_description());
  std::size_t width = 0;  // of the line
  for (std::string word; words >> word; width += word.size() + 1) {
    if (width + word.size() >= help_width - description_column) {
      text += "\n" + indent;
      width = 0;
    }
    text += (width == 0 ? "" : " ") + word;
  }
  return text + "\n";
}

OptionShape shape_of(const CLI::Option& option) {
  OptionShape shape{option.get_snames(), option.get_lnames(), OptionShape::Value::one, option.get_type_name()};
  if (option.get_items_expected_max() == 0) {
    shape.value = shape.value_name.empty() ? OptionShape::Value::none : OptionShape::Value::optional;
  } else if (option.get_items_expected_max() > 1) {
    shape.value = OptionShape::Value::many;
  }
  return shape;
}

CommandShape shape_of(const CLI::App& app) {
  CommandShape shape;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      shape.arguments.push_back(option->get_name());
      shape.more_arguments = option->get_items_expected_max() > 1;
    } else {
      shape.options.push_back(shape_of(*option));
    }
  }
  return shape;
}

/// "--idle-exit needs --follow", where CLI11 says "requires".
std::string in_our_words(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> words{
      {{" is required", " is missing"}, {" requires ", " needs "}, {" excludes ", " does not go with "}}};
  for (const auto& [theirs, ours] : words) {
    if (const auto at = text.find(theirs); at != std::string::npos) text.replace(at, theirs.size(), ours);
  }
  return text;
}

}  // namespace

OptionTable::OptionTable() : app_(std::make_unique<CLI::App>()) {
  app_->set_help_flag();
}

OptionTable::~OptionTable() = default;

std::optional<std::string> OptionTable::parse(std::span<char* const> arguments) {
  if (auto wrong = check_arguments({arguments.begin(), arguments.end()}, shape_of(*app_))) return wrong;
  try {
    app_->parse(reversed(arguments));
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return in_our_words(error.what());
  } catch (const Error& error) {  // of refuse_value()
    return error.what();
  }
}

std::string OptionTable::help(const std::string& last_group) const {
  std::vector<std::string> groups = app_->get_groups();
  std::stable_partition(groups.begin(), groups.end(), [&](const std::string& group) { return group != last_group; });
  std::string text;
  for (const std::string& group : groups) {
    std::string lines;
    for (const CLI::Option* option : app_->get_options()) {
      if (option->get_group() == group && !option->get_positional()) lines += help_line(*option);
    }
    if (!lines.empty()) text += fmt::format("{}:\n{}\n", group, lines);
  }
  return text;
}

OptionTable::Option OptionTable::Option::needs(Option other) const {
  option_->needs(other.option_);
  return *this;
}

OptionTable::Option OptionTable::Option::excludes(Option other) const {
  option_->excludes(other.option_);
  return *this;
}

OptionTable::Option OptionTable::Option::in_order() const {
  option_->trigger_on_parse();
  return *this;
}

OptionTable::Option OptionTable::add(CLI::Option* option) const {
  option->group(group_);
  return Option(option);
}

OptionTable::Option OptionTable::flag(const std::string& names, bool& into, const std::string& description) {
  return add(app_->add_flag(names, into, description));
}

OptionTable::Option OptionTable::flag(const std::string& names, const std::function<void()>& chosen,
                                      const std::string& description) {
  return add(app_->add_flag_callback(names, chosen, description));
}

OptionTable::Option OptionTable::value(const std::string& names, const std::string& type, const Set& set,
                                       const std::string& description) {
  return add(app_->add_option_function<std::string>(names, set, description)->type_name(type));
}

OptionTable::Option OptionTable::list(const std::string& names, const std::string& type, const Set& set,
                                      const std::string& description) {
  const auto set_all = [set](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) set(text);
  };
  // One for each use: it does not swallow the arguments that follow.
  return add(app_->add_option_function<std::vector<std::string>>(names, set_all, description)
                 ->type_name(type)
                 ->allow_extra_args(false));
}

OptionTable::Option OptionTable::list(const std::string& names, const std::string& type, std::vector<std::string>& into,
                                      const std::string& description) {
  return list(
      names, type, [&into](const std::string& text) { into.push_back(text); }, description);
}

OptionTable::Option OptionTable::size(const std::string& names, std::optional<std::uint64_t>& into,
                                      const std::string& description) {
  return value(
      names, "SIZE", [&into, option = long_name(names)](const std::string& text) { into = size_of(option, text); },
      description);
}

OptionTable::Option OptionTable::count(const std::string& names, std::uint64_t least, std::uint64_t most,
                                       const std::function<void(std::uint64_t)>& set, const std::string& description) {
  const auto parse = [set, least, most, option = long_name(names)](const std::string& text) {
    const auto number = parse_number<std::uint64_t>(text);
    if (!number || *number < least || *number > most) {
      refuse_value(option, text, fmt::format("is not a number from {} to {}", least, most));
    }
    set(*number);
  };
  return value(names, "N", parse, description);
}

OptionTable::Option OptionTable::choice(const std::string& names, const std::pair<std::string, std::string>& words,
                                        const std::function<void(bool)>& set, const std::string& description) {
  const auto parse = [words, set, option = long_name(names)](const std::string& text) {
    if (text != words.first && text != words.second) {
      refuse_value(option, text,
                   fmt::format("is neither {} nor {}", words.first, words.second) +
                       did_you_mean(text, {words.first, words.second}));
    }
    set(text == words.second);
  };
  return value(names, words.first + "|" + words.second, parse, description);
}

OptionTable::Option OptionTable::percent(const std::string& names, std::optional<double>& into,
                                         const std::string& description) {
  const auto parse = [&into, option = long_name(names)](const std::string& text) {
    into = parse_percent(text);
    if (!into) refuse_value(option, text, "is not a percentage above 0 and up to 100");
  };
  return value(names, "PERCENT", parse, description);
}

OptionTable::Option OptionTable::flag_with_value(const std::string& name, const std::string& type,
                                                 const std::string& standard, std::string& into,
                                                 const std::string& description) {
  return add(app_->add_flag(name + "{" + standard + "}", into, description)->type_name("[=" + type + "]"));
}

void OptionTable::argument(const std::string& name, std::string& into) {
  app_->add_option(name, into)->required();
}

void OptionTable::argument(const std::string& name, std::optional<std::string>& into) {
  app_->add_option(name, into);
}

void OptionTable::arguments(const std::string& name, std::vector<std::string>& into) {
  app_->add_option(name, into);
}

void OptionTable::exclude_each_other(const std::vector<Option>& options) {
  for (auto one = options.begin(); one != options.end(); ++one) {
    for (auto other = options.begin(); other != one; ++other) one->excludes(*other);
  }
}

void refuse_value(const std::string& option, const std::string& value, const std::string& reason) {
  throw Error(ErrorCode::usage, fmt::format("{} {} {}", option, quote(value), reason));
}

Duration duration_of(const std::string& option, const std::string& value) {
  const auto duration = parse_duration(value);
  if (!duration) refuse_value(option, value, "is not a duration: a number and us, ms, s, m, h, d or w");
  return *duration;
}

std::uint64_t size_of(const std::string& option, const std::string& value) {
  const auto size = parse_size(value);
  if (!size) refuse_value(option, value, "is not a size: a number and k, M, G, KiB, MiB, GiB, kB, MB, GB or nothing");
  return *size;
}

void check_key(const std::string& key, const std::string& option) {
  if (const auto fault = fault_of_key(key)) refuse_value(option, key, *fault);
}

}  // namespace shardlog::cli
