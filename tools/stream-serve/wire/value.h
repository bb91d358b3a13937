#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <string_view>
#include <utility>
#include <vector>

/// What requests and answers are made of, whatever they are written in.
namespace shardlog::serve::wire {

/// Bounds of a request, so that a small body cannot become much memory. PutRecords has 500 records of three members.
constexpr std::size_t most_levels = 64;
constexpr std::size_t most_values = 20'000;

/// A value of a request.
struct Value {
  enum class Kind { null, boolean, number, text, bytes, list, structure };

  Kind kind = Kind::null;
  bool boolean = false;
  double number = 0;
  std::string_view text{};                                    ///< of a text, or the bytes
  std::vector<Value> items{};                                 ///< of a list
  std::vector<std::pair<std::string_view, Value>> members{};  ///< of a structure or a map

  /// Nullptr if there is no such member, or it is null. The last one counts if there are several.
  [[nodiscard]] const Value* find(std::string_view name) const {
    const auto found =
        std::find_if(members.rbegin(), members.rend(), [name](const auto& member) { return member.first == name; });
    return found == members.rend() || found->second.kind == Kind::null ? nullptr : &found->second;
  }
};

/// A whole request. Its texts are kept beside its values.
struct Document {
  Value root{};
  std::shared_ptr<const void> source{};  ///< what a parser keeps
  /// Has what is decoded later. One for all, because hundreds of records come at once.
  std::unique_ptr<std::pmr::memory_resource> decoded = std::make_unique<std::pmr::monotonic_buffer_resource>();
};

}  // namespace shardlog::serve::wire
