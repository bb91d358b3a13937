#pragma once

#include <optional>
#include <string>
#include <vector>

namespace shardlog::cli {

/// The names of an option and what it takes.
struct OptionShape {
  enum class Value { none, optional, one, many };  ///< optional: only after =; many: one for each use

  std::vector<std::string> short_names;  ///< without their dashes
  std::vector<std::string> long_names;
  Value value = Value::none;
  std::string value_name;

  [[nodiscard]] std::string name() const;  ///< "--follow", or "-h" without a long name
};

/// What a program takes on its command line.
struct CommandShape {
  std::vector<OptionShape> options;
  std::vector<std::string> arguments;  ///< "STREAM", in their order
  bool more_arguments = false;         ///< the last one can be repeated
};

/// What is wrong with the shape of a command line, whatever its values are; empty if it is right. Options that do not
/// exist are named first, because other faults may follow from them.
std::optional<std::string> check_arguments(const std::vector<std::string>& arguments, const CommandShape& shape);

}  // namespace shardlog::cli
