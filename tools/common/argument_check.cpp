#include "tools/common/argument_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "shardlog/core/nearest.h"
#include "shardlog/core/printable.h"
#include "tools/common/scan.h"

namespace shardlog::cli {

namespace {

/// "--follow" of "--follow=1".
std::string_view name_in(std::string_view argument) {
  return argument.substr(0, argument.find('='));
}

/// Reads a command line from left to right.
class Walk {
 public:
  explicit Walk(const CommandShape& shape) : shape_(shape) {}

  std::optional<std::string> check(const std::vector<std::string>& arguments) {
    bool only_words = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      if (only_words || !begins_option(argument)) {
        words_.push_back(argument);
      } else if (argument == "--") {
        only_words = true;
      } else {
        const bool takes_next = argument.starts_with("--") ? take_long(argument) : take_cluster(argument);
        if (unknown_) return unknown_;
        if (takes_next) take_next(i + 1 < arguments.size() ? &arguments[++i] : nullptr);
      }
    }
    if (!wrong_) check_words();
    return wrong_;
  }

 private:
  /// A number is a word, unless its digit is an option.
  [[nodiscard]] bool begins_option(std::string_view argument) const {
    if (argument.starts_with("--")) return true;
    if (!argument.starts_with('-') || argument.size() == 1) return false;
    return !is_digit(argument[1]) || find(argument.substr(1, 1), &OptionShape::short_names) != nullptr;
  }

  void take_next(const std::string* value) {
    if (value != nullptr) {
      take_value(*last_, *value);
    } else {
      wrong(fmt::format("{} wants a value: {} {}", last_->name(), last_->name(), last_->value_name));
    }
  }

  /// Returns whether the next argument is the option's value.
  bool take_long(std::string_view argument) {
    const std::string_view name = name_in(argument);
    last_ = find(name.substr(2), &OptionShape::long_names);
    if (last_ == nullptr) return refuse(name);
    const bool has_value = name.size() < argument.size();
    const bool takes_one = last_->value == OptionShape::Value::one || last_->value == OptionShape::Value::many;
    if (has_value && last_->value == OptionShape::Value::none) wrong(last_->name() + " takes no value");
    if (has_value && takes_one) take_value(*last_, std::string(argument.substr(name.size() + 1)));
    return takes_one && !has_value;
  }

  /// "-fk key", "-fkkey": flags, and last an option with a value. Returns whether the next argument is that value.
  bool take_cluster(std::string_view argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      last_ = find(argument.substr(i, 1), &OptionShape::short_names);
      if (last_ == nullptr) return refuse(argument.size() == 2 ? argument : name_in(argument));
      if (last_->value == OptionShape::Value::none) continue;
      if (i + 1 == argument.size()) return true;
      take_value(*last_, std::string(argument.substr(i + 1)));
      if (find(argument.substr(1), &OptionShape::long_names) != nullptr) doubtful_ = argument;
      break;
    }
    return false;
  }

  void take_value(const OptionShape& option, const std::string& value) {
    const auto [before, first] = values_.emplace(option.name(), value);
    if (first || option.value == OptionShape::Value::many) return;
    wrong(fmt::format("{} is given twice, as {} and as {}: it takes one {}", option.name(), quote(before->second),
                      quote(value), option.value_name));
  }

  void check_words() {
    const std::size_t most = shape_.arguments.size();
    if (shape_.more_arguments || words_.size() <= most) return;
    std::string surplus;
    for (std::size_t i = most; i < words_.size(); ++i) surplus += " " + quote(words_[i]);
    std::string expected;
    for (const std::string& name : shape_.arguments) expected += " " + name;
    wrong(fmt::format("unexpected argument{}{} after{} {}", words_.size() == most + 1 ? "" : "s", surplus, expected,
                      quote(words_[most - 1])));
    if (doubtful_) wrong_ = fmt::format("{}: did you mean -{}?", *doubtful_, *doubtful_);
  }

  /// Returns false, for the caller to return.
  bool refuse(std::string_view name) {
    const std::string word(name.substr(std::min(name.find_first_not_of('-'), name.size())));
    std::vector<std::string> names;
    for (const OptionShape& option : shape_.options) {
      const auto& known = word.size() == 1 ? option.short_names : option.long_names;
      names.insert(names.end(), known.begin(), known.end());
    }
    const auto guess = nearest(word, names);
    unknown_ = guess ? fmt::format("{}: did you mean {}{}?", name, word.size() == 1 ? "-" : "--", *guess)
                     : fmt::format("{}: there is no such option", name);
    return false;
  }

  void wrong(const std::string& message) {
    if (!wrong_) wrong_ = message;
  }

  [[nodiscard]] const OptionShape* find(std::string_view name, std::vector<std::string> OptionShape::*names) const {
    const auto found = std::find_if(shape_.options.begin(), shape_.options.end(), [&](const OptionShape& option) {
      const std::vector<std::string>& known = option.*names;
      return std::find(known.begin(), known.end(), name) != known.end();
    });
    return found == shape_.options.end() ? nullptr : &*found;
  }

  const CommandShape& shape_;
  const OptionShape* last_ = nullptr;          // the option that was read last
  std::vector<std::string> words_;             // arguments that are not options
  std::map<std::string, std::string> values_;  // the first of each option
  std::optional<std::string> unknown_;
  std::optional<std::string> wrong_;     // the first of all other faults
  std::optional<std::string> doubtful_;  // "-count": -c with a value, or --count with a dash missing
};

}  // namespace

std::string OptionShape::name() const {
  return long_names.empty() ? "-" + short_names.front() : "--" + long_names.front();
}

std::optional<std::string> check_arguments(const std::vector<std::string>& arguments, const CommandShape& shape) {
  return Walk(shape).check(arguments);
}

}  // namespace shardlog::cli
