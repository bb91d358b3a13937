#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shardlog/core/clock.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace shardlog::cli {

/// The options of a program, in the order of its help. CLI11 reads them; its headers take seconds to compile, so they
/// are seen by option_table.cpp and tool.cpp only. Names are given as "-k,--key". Whatever is set must outlive the
/// table.
class OptionTable {
 public:
  /// Takes a value as it was given; throws usage, by refuse_value(), where it is none.
  using Set = std::function<void(const std::string&)>;

  /// An option that was added.
  class Option {
   public:
    explicit Option(CLI::Option* option) : option_(option) {}

    Option needs(Option other) const;
    Option excludes(Option other) const;
    /// Each use is taken when its turn comes on the command line, not after the uses of other options.
    Option in_order() const;

   private:
    CLI::Option* option_;
  };

  OptionTable();
  ~OptionTable();
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;

  /// Sets what the arguments say. Returns what is wrong with them, nothing where they are right.
  std::optional<std::string> parse(std::span<char* const> arguments);

  /// What there is, group by group, one of them last.
  [[nodiscard]] std::string help(const std::string& last_group) const;

  /// The heading, in the long help, of the options that are added from here on.
  void group(const std::string& heading) { group_ = heading; }

  Option flag(const std::string& names, bool& into, const std::string& description);
  Option flag(const std::string& names, const std::function<void()>& chosen, const std::string& description);

  /// One value; `type` stands for it in the help.
  Option value(const std::string& names, const std::string& type, const Set& set, const std::string& description);
  Option value(const std::string& names, const std::string& type, std::string& into, const std::string& description);
  Option value(const std::string& names, const std::string& type, std::optional<std::string>& into,
               const std::string& description);
  /// A flag that may have a value behind =; without one it stands for `standard`.
  Option flag_with_value(const std::string& name, const std::string& type, const std::string& standard,
                         std::string& into, const std::string& description);
  /// A value for each use of the option.
  Option list(const std::string& names, const std::string& type, const Set& add, const std::string& description);
  Option list(const std::string& names, const std::string& type, std::vector<std::string>& into,
              const std::string& description);

  Option duration(const std::string& names, Duration& into, const std::string& description);
  Option duration(const std::string& names, std::optional<Duration>& into, const std::string& description);
  Option size(const std::string& names, std::optional<std::uint64_t>& into, const std::string& description);
  /// A whole number within bounds.
  Option count(const std::string& names, std::uint64_t least, std::uint64_t most,
               const std::function<void(std::uint64_t)>& set, const std::string& description);
  /// One of two words; `set` learns whether it is the second.
  Option choice(const std::string& names, const std::pair<std::string, std::string>& words,
                const std::function<void(bool)>& set, const std::string& description);
  /// A share in percent.
  Option percent(const std::string& names, std::optional<double>& into, const std::string& description);

  /// Arguments that are no options, in their order; where there may be none, the last two.
  void argument(const std::string& name, std::string& into);
  void argument(const std::string& name, std::optional<std::string>& into);
  void arguments(const std::string& name, std::vector<std::string>& into);

  static void exclude_each_other(const std::vector<Option>& options);

 private:
  Option add(CLI::Option* option) const;

  std::unique_ptr<CLI::App> app_;
  std::string group_;
};

/// Throws usage: "--sync 'x' is neither full nor normal".
[[noreturn]] void refuse_value(const std::string& option, const std::string& value, const std::string& what_it_is);

/// The duration that the value of `option` is; throws usage where it is none.
Duration duration_of(const std::string& option, const std::string& value);

/// The same for a size.
std::uint64_t size_of(const std::string& option, const std::string& value);

/// Throws usage where a text on the command line cannot be a partition key.
void check_key(const std::string& key, const std::string& option);

}  // namespace shardlog::cli
