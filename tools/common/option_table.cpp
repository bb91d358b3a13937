#include "tools/common/option_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "shardlog/core/nearest.h"
#include "shardlog/core/numbers.h"
#include "shardlog/log/stream.h"
#include "tools/common/scan.h"
#include "tools/common/units.h"

namespace shardlog::cli {

namespace {

constexpr std::size_t description_column = 30;
constexpr std::size_t help_width = 80;

/// "  -s, --shards N          text": the text is wrapped, and begins on the next line if the names are too long.
std::string help_line(const OptionShape& option, const std::string& description) {
  std::string names =
      option.short_name.empty() ? "      " : "  -" + option.short_name + (option.long_name.empty() ? "" : ", ");
  if (!option.long_name.empty()) names += "--" + option.long_name;
  const std::string& type = option.value_name;
  if (option.value == OptionShape::Value::optional) {
    names += "[=" + type + "]";
  } else if (!type.empty()) {
    names += " " + type;
  }
  const std::string indent(description_column, ' ');
  std::string text =
      names.size() + 2 > description_column ? names + "\n" + indent : fmt::format("{:<{}}", names, description_column);
  std::istringstream words(description);
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

}  // namespace

void OptionTable::parse(std::span<char* const> arguments) {
  const CommandLine line = read_command_line({arguments.begin(), arguments.end()}, shape_);
  std::vector<bool> used(entries_.size());
  for (const auto& [option, value] : line.uses) {
    entries_[option].set(value);
    used[option] = true;
  }
  for (std::size_t i = 0; i < line.words.size(); ++i) arguments_[std::min(i, arguments_.size() - 1)](line.words[i]);
  if (line.words.size() < required_) {
    throw Error(ErrorCode::usage, shape_.arguments[line.words.size()] + " is missing");
  }
  check_relations(used);
}

void OptionTable::check_relations(const std::vector<bool>& used) const {
  const auto refuse = [this](std::size_t one, const char* relation, std::size_t other) {
    throw Error(ErrorCode::usage, shape_.options[one].name() + relation + shape_.options[other].name());
  };
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!used[i]) continue;
    for (const std::size_t other : entries_[i].needs) {
      if (!used[other]) refuse(i, " needs ", other);
    }
    for (const std::size_t other : entries_[i].excluded) {
      if (used[other]) refuse(i, " does not go with ", other);
    }
  }
}

std::string OptionTable::help(const std::string& last_group) const {
  std::vector<std::string> groups;
  for (const Entry& entry : entries_) {
    if (std::find(groups.begin(), groups.end(), entry.group) == groups.end()) groups.push_back(entry.group);
  }
  std::stable_partition(groups.begin(), groups.end(), [&](const std::string& group) { return group != last_group; });
  std::string text;
  for (const std::string& group : groups) {
    text += group + ":\n";
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].group == group) text += help_line(shape_.options[i], entries_[i].description);
    }
    text += "\n";
  }
  return text;
}

OptionTable::Option OptionTable::Option::needs(Option other) const {
  table_->entries_[index_].needs.push_back(other.index_);
  return *this;
}

OptionTable::Option OptionTable::Option::excludes(Option other) const {
  table_->entries_[index_].excluded.push_back(other.index_);
  return *this;
}

OptionTable::Option OptionTable::add(const std::string& names, OptionShape shape, const Set& set,
                                     const std::string& description) {
  for (std::string_view rest = names; !rest.empty(); take(rest, ",")) {
    const std::string_view name = take_while(rest, [](char c) { return c != ','; });
    (name.starts_with("--") ? shape.long_name : shape.short_name) = name.substr(name.find_first_not_of('-'));
  }
  shape_.options.push_back(std::move(shape));
  entries_.push_back({group_, description, set});
  return {*this, entries_.size() - 1};
}

OptionTable::Option OptionTable::flag(const std::string& names, bool& into, const std::string& description) {
  return flag(
      names, [&into] { into = true; }, description);
}

OptionTable::Option OptionTable::flag(const std::string& names, const std::function<void()>& chosen,
                                      const std::string& description) {
  return add(
      names, {}, [chosen](const std::string&) { chosen(); }, description);
}

OptionTable::Option OptionTable::value(const std::string& names, const std::string& type, const Set& set,
                                       const std::string& description) {
  return add(names, {.value = OptionShape::Value::one, .value_name = type}, set, description);
}

OptionTable::Option OptionTable::list(const std::string& names, const std::string& type, const Set& set,
                                      const std::string& description) {
  return add(names, {.value = OptionShape::Value::many, .value_name = type}, set, description);
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

OptionTable::Option OptionTable::choice(const std::string& names, const std::vector<std::string>& words,
                                        const std::function<void(std::size_t)>& set, const std::string& description) {
  const auto parse = [words, set, option = long_name(names)](const std::string& text) {
    const auto chosen = std::find(words.begin(), words.end(), text);
    if (chosen == words.end()) {
      refuse_value(option, text,
                   fmt::format("is neither {} nor {}{}", fmt::join(words.begin(), words.end() - 1, ", "), words.back(),
                               did_you_mean(text, words)));
    }
    set(static_cast<std::size_t>(chosen - words.begin()));
  };
  return value(names, fmt::format("{}", fmt::join(words, "|")), parse, description);
}

OptionTable::Option OptionTable::percent(const std::string& names, std::optional<double>& into,
                                         const std::string& description) {
  const auto parse = [&into, option = long_name(names)](const std::string& text) {
    into = parse_percent(text);
    if (!into) refuse_value(option, text, "is not a percentage above 0 and up to 100");
  };
  return value(names, "PERCENT", parse, description);
}

OptionTable::Option OptionTable::flag_with_duration(const std::string& name, const std::string& standard,
                                                    const Set& set, const std::string& description) {
  const auto is_value = [](const std::string& text) { return parse_duration(text).has_value(); };
  return add(name, {"", "", OptionShape::Value::optional, "DURATION", standard, is_value}, set, description);
}

void OptionTable::argument(const std::string& name, std::string& into) {
  ++required_;
  shape_.arguments.push_back(name);
  arguments_.emplace_back([&into](const std::string& text) { into = text; });
}

void OptionTable::argument(const std::string& name, std::optional<std::string>& into) {
  shape_.arguments.push_back(name);
  arguments_.emplace_back([&into](const std::string& text) { into = text; });
}

void OptionTable::arguments(const std::string& name, std::vector<std::string>& into) {
  shape_.arguments.push_back(name);
  shape_.more_arguments = true;
  arguments_.emplace_back([&into](const std::string& text) { into.push_back(text); });
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
