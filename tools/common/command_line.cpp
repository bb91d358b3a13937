#include "tools/common/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/nearest.h"
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
  Walk(const std::vector<std::string>& arguments, const CommandShape& shape)
      : next_(arguments.begin()), end_(arguments.end()), shape_(shape) {}

  CommandLine read() {
    bool only_words = false;
    while (next_ != end_) {
      const std::string& argument = *next_++;
      if (only_words || !begins_option(argument)) {
        line_.words.push_back(argument);
      } else if (argument == "--") {
        only_words = true;
      } else if (argument.starts_with("--")) {
        take_long(argument);
      } else {
        take_cluster(argument);
      }
    }
    if (!wrong_) check_words();
    if (wrong_) throw Error(ErrorCode::usage, *wrong_);
    return std::move(line_);
  }

 private:
  /// A number is a word, unless its digit is an option.
  [[nodiscard]] bool begins_option(std::string_view argument) const {
    if (argument.starts_with("--")) return true;
    if (!argument.starts_with('-') || argument.size() == 1) return false;
    return !is_digit(argument[1]) || find(argument.substr(1, 1), &OptionShape::short_name) != nullptr;
  }

  void take_long(std::string_view argument) {
    const std::string_view name = name_in(argument);
    last_ = find(name.substr(2), &OptionShape::long_name);
    if (last_ == nullptr) refuse(name);
    if (name.size() == argument.size()) return take_next();
    if (last_->value == OptionShape::Value::none) wrong(last_->name() + " takes no value");
    take_value(std::string(argument.substr(name.size() + 1)));
  }

  /// "-fk key", "-fkkey": flags, and last an option with a value.
  void take_cluster(std::string_view argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      last_ = find(argument.substr(i, 1), &OptionShape::short_name);
      if (last_ == nullptr) refuse(argument.size() == 2 ? argument : name_in(argument));
      if (last_->value == OptionShape::Value::none || i + 1 == argument.size()) {
        take_next();
        continue;
      }
      take_value(std::string(argument.substr(i + 1)));
      if (find(argument.substr(1), &OptionShape::long_name) != nullptr) doubtful_ = argument;
      return;
    }
  }

  /// The value of the option that was read last, if it has one, is the next argument.
  void take_next() {
    if (last_->value == OptionShape::Value::none) {
      take_value("");
    } else if (last_->value == OptionShape::Value::optional) {
      take_value(next_ != end_ && last_->is_value(*next_) ? *next_++ : last_->standard);
    } else if (next_ != end_) {
      take_value(*next_++);
    } else {
      wrong(fmt::format("{} wants a value: {} {}", last_->name(), last_->name(), last_->value_name));
    }
  }

  void take_value(const std::string& value) {
    const auto option = static_cast<std::size_t>(last_ - shape_.options.data());
    const auto before = std::find_if(line_.uses.begin(), line_.uses.end(),
                                     [option](const CommandLine::Use& use) { return use.option == option; });
    const bool once = last_->value == OptionShape::Value::one || last_->value == OptionShape::Value::optional;
    if (once && before != line_.uses.end()) {
      wrong(fmt::format("{} is given twice, as {} and as {}: it takes one {}", last_->name(), quote(before->value),
                        quote(value), last_->value_name));
    }
    line_.uses.push_back({option, value});
  }

  void check_words() {
    const std::size_t most = shape_.arguments.size();
    if (shape_.more_arguments || line_.words.size() <= most) return;
    std::string surplus;
    for (std::size_t i = most; i < line_.words.size(); ++i) surplus += " " + quote(line_.words[i]);
    std::string expected;
    for (const std::string& name : shape_.arguments) expected += " " + name;
    wrong(fmt::format("unexpected argument{}{} after{} {}", line_.words.size() == most + 1 ? "" : "s", surplus,
                      expected, quote(line_.words[most - 1])));
    if (doubtful_) wrong_ = fmt::format("{}: did you mean -{}?", *doubtful_, *doubtful_);
  }

  /// Names the option that was probably meant.
  [[noreturn]] void refuse(std::string_view name) const {
    const std::string word(name.substr(std::min(name.find_first_not_of('-'), name.size())));
    std::vector<std::string> names;
    for (const OptionShape& option : shape_.options) {
      names.push_back(word.size() == 1 ? option.short_name : option.long_name);
    }
    std::erase(names, "");
    const auto guess = nearest(word, names);
    throw Error(ErrorCode::usage,
                guess ? fmt::format("{}: did you mean {}{}?", name, word.size() == 1 ? "-" : "--", *guess)
                      : fmt::format("{}: there is no such option", name));
  }

  void wrong(const std::string& message) {
    if (!wrong_) wrong_ = message;
  }

  [[nodiscard]] const OptionShape* find(std::string_view name, std::string OptionShape::*of) const {
    if (name.empty()) return nullptr;
    const auto found = std::find_if(shape_.options.begin(), shape_.options.end(),
                                    [&](const OptionShape& option) { return option.*of == name; });
    return found == shape_.options.end() ? nullptr : &*found;
  }

  std::vector<std::string>::const_iterator next_;
  std::vector<std::string>::const_iterator end_;
  const CommandShape& shape_;
  CommandLine line_;
  const OptionShape* last_ = nullptr;    // the option that was read last
  std::optional<std::string> wrong_;     // the first fault; unknown options do not count
  std::optional<std::string> doubtful_;  // "-count": -c with a value, or --count with a dash missing
};

}  // namespace

std::string OptionShape::name() const {
  return long_name.empty() ? "-" + short_name : "--" + long_name;
}

CommandLine read_command_line(const std::vector<std::string>& arguments, const CommandShape& shape) {
  return Walk(arguments, shape).read();
}

}  // namespace shardlog::cli
