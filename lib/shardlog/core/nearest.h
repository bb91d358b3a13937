#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shardlog {

/// What `word` was probably meant to be: the candidate that differs from it by the fewest letters inserted,
/// left out, replaced or swapped with their neighbour (Damerau, 1964), or the only one that begins with it. Case does
/// not count. Returns nullopt if more than a third of the letters differ.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'orders'?", or an empty text: for the end of a message.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// The same for names in a stream. Without a guess it lists them: "; the stream has 'a' and 'b'", or "; the stream has
/// none".
std::string what_there_is(std::string_view word, const std::vector<std::string>& names);

}  // namespace shardlog
