#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace shardlog::cli {

/// The names of an option, without their dashes, and what it takes.
struct OptionShape {
  enum class Value { none, optional, one, many };  ///< many: one for each use

  std::string short_name{};  ///< one letter, or empty
  std::string long_name{};   ///< may be empty too
  Value value = Value::none;
  std::string value_name{};
  std::string standard{};  ///< the optional value, if none is given
  /// Whether a word that follows the option is its optional value. A word after = is always the value.
  std::function<bool(const std::string&)> is_value{};

  [[nodiscard]] std::string name() const;  ///< "--follow", or "-h" without a long name
};

/// What a program takes on its command line.
struct CommandShape {
  std::vector<OptionShape> options;
  std::vector<std::string> arguments;  ///< "STREAM", in their order
  bool more_arguments = false;         ///< the last one can be repeated
};

/// What a command line says, in its order.
struct CommandLine {
  struct Use {
    std::size_t option;  ///< index in CommandShape::options
    std::string value;   ///< empty for a flag
  };
  std::vector<Use> uses;
  std::vector<std::string> words;  ///< arguments that are not options
};

/// Reads a command line of this shape. Values are not looked at. Throws usage if the command line does not fit the
/// shape. An option that does not exist is named first, because other faults may follow from it.
CommandLine read_command_line(const std::vector<std::string>& arguments, const CommandShape& shape);

}  // namespace shardlog::cli
