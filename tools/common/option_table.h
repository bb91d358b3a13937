#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "shardlog/core/clock.h"
#include "tools/common/command_line.h"

namespace shardlog::cli {

/// Throws usage: "--sync 'x' is neither full nor normal".
[[noreturn]] void refuse_value(const std::string& option, const std::string& value, const std::string& reason);

/// The duration or size that the value of `option` stands for. Throws usage if it is not one.
Duration duration_of(const std::string& option, const std::string& value);
std::uint64_t size_of(const std::string& option, const std::string& value);

/// Throws usage if the value of `option` cannot be a partition key.
void check_key(const std::string& key, const std::string& option);

/// A std::string, optional or not.
template <typename Text>
concept TakesText = std::is_assignable_v<Text&, const std::string&>;

/// The options of a program, in the order of its help. Names are given as "-k,--key". Whatever is set must outlive the
/// table.
class OptionTable {
 public:
  /// Takes a value as it was given. Throws usage, by refuse_value(), if it is wrong.
  using Set = std::function<void(const std::string&)>;

  /// An option that was added.
  class Option {
   public:
    Option(OptionTable& table, std::size_t index) : table_(&table), index_(index) {}

    Option needs(Option other) const;
    Option excludes(Option other) const;

   private:
    OptionTable* table_;
    std::size_t index_;
  };

  OptionTable() = default;
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;
  ~OptionTable() = default;

  /// Sets what the arguments say, in their order. Throws usage.
  void parse(std::span<char* const> arguments);

  /// A line for each option, group by group, with `last_group` at the end.
  [[nodiscard]] std::string help(const std::string& last_group) const;

  /// The heading, in the long help, of the options that are added from here on.
  void group(const std::string& heading) { group_ = heading; }

  Option flag(const std::string& names, bool& into, const std::string& description);
  Option flag(const std::string& names, const std::function<void()>& chosen, const std::string& description);

  /// One value; `type` stands for it in the help.
  Option value(const std::string& names, const std::string& type, const Set& set, const std::string& description);
  template <TakesText Text>
  Option value(const std::string& names, const std::string& type, Text& into, const std::string& description) {
    return value(names, type, Set([&into](const std::string& text) { into = text; }), description);
  }
  /// A flag that may be followed by a duration, or by = and anything; without a value it stands for `standard`.
  Option flag_with_duration(const std::string& name, const std::string& standard, const Set& set,
                            const std::string& description);
  /// A value for each use of the option.
  Option list(const std::string& names, const std::string& type, const Set& add, const std::string& description);
  Option list(const std::string& names, const std::string& type, std::vector<std::string>& into,
              const std::string& description);

  /// A Duration, optional or not.
  template <typename Into>
  Option duration(const std::string& names, Into& into, const std::string& description) {
    const auto set = [&into, option = long_name(names)](const std::string& text) { into = duration_of(option, text); };
    return value(names, "DURATION", set, description);
  }
  Option size(const std::string& names, std::optional<std::uint64_t>& into, const std::string& description);
  /// A whole number within bounds.
  Option count(const std::string& names, std::uint64_t least, std::uint64_t most,
               const std::function<void(std::uint64_t)>& set, const std::string& description);
  /// One of two or more words; `set` gets the index of the one that is chosen.
  Option choice(const std::string& names, const std::vector<std::string>& words,
                const std::function<void(std::size_t)>& set, const std::string& description);
  /// A share in percent.
  Option percent(const std::string& names, std::optional<double>& into, const std::string& description);

  /// The arguments that are not options, in their order. The first kind is required.
  void argument(const std::string& name, std::string& into);
  void argument(const std::string& name, std::optional<std::string>& into);
  void arguments(const std::string& name, std::vector<std::string>& into);

  static void exclude_each_other(const std::vector<Option>& options);

 private:
  /// The name by which messages call an option: its long one, which comes last.
  static std::string long_name(const std::string& names) { return names.substr(names.rfind(',') + 1); }
  Option add(const std::string& names, OptionShape shape, const Set& set, const std::string& description);
  void check_relations(const std::vector<bool>& used) const;

  /// What is not in the shape of an option.
  struct Entry {
    std::string group;
    std::string description;
    Set set;
    std::vector<std::size_t> needs{};
    std::vector<std::size_t> excluded{};
  };

  CommandShape shape_;
  std::vector<Entry> entries_;  ///< of shape_.options, at the same index
  std::vector<Set> arguments_;  ///< of shape_.arguments
  std::size_t required_ = 0;    ///< how many of the arguments must be given
  std::string group_;
};

}  // namespace shardlog::cli
