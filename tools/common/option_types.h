#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "shardlog/core/clock.h"
#include "tools/common/units.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace shardlog::cli {

/// Options of the types that all programs share. A value that is not one is a usage error that says what would be.
CLI::Option* add_duration(CLI::App& app, const std::string& names, Duration& into, const std::string& description);
CLI::Option* add_size(CLI::App& app, const std::string& names, std::uint64_t& into, const std::string& description);

/// For options of other shapes. Throws CLI::ValidationError.
Duration duration_or_throw(const std::string& option, const std::string& text);

/// A whole number within bounds.
CLI::Option* add_count(CLI::App& app, const std::string& names, const std::function<void(std::uint64_t)>& set,
                       std::uint64_t least, std::uint64_t most, const std::string& description);

/// Throws usage where a text on the command line cannot be a partition key.
void check_key(const std::string& key, const std::string& option);

/// The one STREAM argument.
CLI::Option* add_stream(CLI::App& app, std::string& into);

/// One value for each use of the option: it does not swallow the arguments behind it.
CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& into,
                      const std::string& description);

}  // namespace shardlog::cli
